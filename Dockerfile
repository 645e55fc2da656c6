# The image of the tests is the image of the users: `npm run image` stages everything in one tar, nothing is pulled.
FROM scratch
# ADD unpacks it and keeps owners and modes, which COPY would not.
ADD rootfs.tar /
LABEL org.opencontainers.image.title="swarmlogs" \
      org.opencontainers.image.description="Log collection and query for Docker Swarm" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.swarmlogs.self="true"
ENV PATH=/usr/bin NODE_ENV=production SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
WORKDIR /app
# The server needs no right but to its own folder; stack.yml says why the agent is another user.
USER 65532:65532
EXPOSE 4280 24224
ENTRYPOINT ["/usr/bin/node", "/app/dist/cli/main.js"]
CMD ["--help"]
