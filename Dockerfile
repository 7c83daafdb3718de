# docker build -t chatserver .
# docker run -p 127.0.0.1:3000:3000 -v chat-data:/data \
#     -e CHATSERVER_SERVER__PUBLIC_URL=http://127.0.0.1:3000 chatserver
#
# The setup link is in the log. Without the public URL it has the container's own address.

FROM python:3.13-slim AS build
WORKDIR /source
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY chatserver chatserver
COPY templates templates
COPY migrations migrations
COPY locale locale
RUN python -m venv /opt/chatserver \
    && /opt/chatserver/bin/pip install --no-cache-dir '.[mysql,pdf,redis,s3]' \
    && /opt/chatserver/bin/pip uninstall --yes pip

FROM python:3.13-slim
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin chatserver \
    && install -d -m 0700 -o chatserver -g chatserver /data
COPY --from=build /opt/chatserver /opt/chatserver
ENV PATH=/opt/chatserver/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    CHATSERVER_DATA=/data \
    CHATSERVER_SERVER__HOST=0.0.0.0
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 3000
STOPSIGNAL SIGTERM
# Reaches the server through the data folder, independent of port, certificate and socket.
HEALTHCHECK --interval=30s --timeout=10s --start-period=20s CMD ["chatserver", "ready"]
ENTRYPOINT ["chatserver"]
