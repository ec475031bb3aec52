"""Run every benchmark."""

from benchmarks import connectivity, raw, segmentation, startup

if __name__ == "__main__":
    startup.main()
    connectivity.main()
    raw.main()
    segmentation.main()
