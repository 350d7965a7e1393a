# One image for all five services, the one-shot job `deploy.prepare` and the mail catcher; the command says which it is.
#   docker build -t madoguchi .
#   docker run --rm madoguchi python -m services.intake.app --help

FROM python:3.11-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN sh deploy/compose/install.sh /opt/madoguchi

FROM python:3.11-slim-bookworm
COPY --from=build /opt/madoguchi /opt/madoguchi
# The folders that volumes are mounted on: a new volume takes their owner.
RUN groupadd --system --gid 10001 madoguchi \
    && useradd --system --uid 10001 --gid 10001 --no-create-home madoguchi \
    && install -d -o 10001 -g 10001 /var/lib/madoguchi/archive /var/lib/madoguchi/mail \
    && install -d -o 10001 -g 10001 -m 700 /var/lib/madoguchi/keyring /var/lib/madoguchi/keyring/public \
        /var/lib/madoguchi/keyring/private /var/lib/madoguchi/edge /var/lib/madoguchi/edge/public \
        /var/lib/madoguchi/edge/private /var/lib/madoguchi/numbers /var/lib/madoguchi/numbers/public \
        /var/lib/madoguchi/numbers/private
USER 10001:10001
ENV PATH=/opt/madoguchi/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /var/lib/madoguchi
STOPSIGNAL SIGTERM
CMD ["python", "-m", "services.intake.app", "--help"]
