# Second Look: one image for web, workers, beat and migrations (docker-compose.yml).
#
# Torch is the CPU build. For GPUs use the index of a CUDA build instead, e.g.
#   docker compose build --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu130
# (the indexes: https://pytorch.org/get-started/locally/), and add docker-compose.gpu.yml.
FROM python:3.11-slim

ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    DEBUG=0 \
    DATA_DIR=/data

# Images, uploads, logits and caches live in /data, the only folder that the site writes to.
RUN useradd --uid 10001 --home-dir /data --shell /usr/sbin/nologin app \
    && install --directory --owner app --group app /data

WORKDIR /app
COPY requirements.txt ./
# pip prefers the local version `torch==2.13.0+cpu` to `torch==2.13.0`.
RUN pip install --extra-index-url "${TORCH_INDEX}" --requirement requirements.txt
COPY . .

USER app
VOLUME /data
# For nginx alone: publish annotation/serving/nginx.conf's port, never this one.
EXPOSE 8000
CMD ["gunicorn", "--config", "python:annotation.gunicorn_config", "--bind", "0.0.0.0:8000"]
