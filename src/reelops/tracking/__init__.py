"""What is remembered of runs: MLflow, lineage, adapters."""
