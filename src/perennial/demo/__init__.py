"""The main job: two years of a bike-share company in a few minutes, the telling nights under a real Airflow."""
