"""The only importer of Airflow: tasks, the window of a run, retries, the local Airflow. Imports nothing at its top."""
