"""The pages of model health, and the JSON behind them: a FastAPI application that Airflow's API server serves."""
