"""What a model is for, its data, estimator, gates, monitoring and schedule: frozen models of one YAML file, and its loader."""
