"""Run every benchmark."""

from benchmarks import connectivity, raw, startup

if __name__ == "__main__":
    startup.main()
    connectivity.main()
    raw.main()
