"""Run every benchmark."""

from benchmarks import (
    connectivity,
    faults,
    image_models,
    prediction,
    raw,
    scale,
    segmentation,
    startup,
    workers,
)

if __name__ == "__main__":
    startup.main()
    connectivity.main()
    workers.main()
    prediction.main()
    scale.main()
    raw.main()
    segmentation.main()
    image_models.main([])
    faults.main()
