# Not on Airflow's own image: that one brings providers and versions of its own, and what runs here must be exactly
# requirements/run.txt, pinned and hashed, the same as on a developer's machine.
FROM python:3.11.14-slim-bookworm

ENV PYTHONUNBUFFERED=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    AIRFLOW_HOME=/opt/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/perennial/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/perennial/plugins \
    PERENNIAL_DEFINITIONS=/opt/perennial/config/models \
    PERENNIAL_HOME=/var/lib/perennial

WORKDIR /opt/perennial

# The requirements change less often than the code, so they are a layer of their own.
COPY requirements/run.txt requirements/run.txt
RUN pip install --no-cache-dir --require-hashes --requirement requirements/run.txt

# What the profiles of docker-compose.yml need besides: "celery", "spark", or both. Spark needs Java.
ARG ADDED=""
COPY requirements/celery.txt requirements/spark.txt requirements/
RUN for name in $ADDED; do \
      pip install --no-cache-dir --no-deps --require-hashes --requirement "requirements/$name.txt" || exit 1; \
    done; \
    case " $ADDED " in *" spark "*) \
      apt-get update && apt-get install --yes --no-install-recommends openjdk-17-jre-headless && rm -rf /var/lib/apt/lists/*;; \
    esac

COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN pip install --no-cache-dir --no-deps --no-build-isolation .

COPY dags dags
COPY plugins plugins
COPY config config

# Volumes take over the owner of the folders that they are mounted on.
RUN useradd --uid 50000 --home-dir /opt/airflow --no-create-home airflow \
 && mkdir -p /opt/airflow/auth /opt/airflow/logs /var/lib/perennial \
 && chown -R airflow /opt/airflow /var/lib/perennial
USER airflow

CMD ["perennial", "--help"]
