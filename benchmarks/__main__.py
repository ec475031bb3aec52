"""Run every benchmark."""

from benchmarks import connectivity, startup

if __name__ == "__main__":
    startup.main()
    connectivity.main()
