// A chatty web server's logs: access lines on stdout, errors on stderr, several a second. No port is opened.
const paths = ['/', '/cart', '/api/v1/orders', '/api/v1/orders/4711', '/static/app.js', '/login', '/search?q=lamp']
const agents = ['Mozilla/5.0 (X11; Linux x86_64)', 'curl/8.5.0', 'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0)']
const statuses = [200, 200, 200, 200, 200, 304, 404, 500, 502]
const pick = (values) => values[Math.floor(Math.random() * values.length)]

function request() {
  const status = pick(statuses)
  const client = `10.0.${Math.floor(Math.random() * 4)}.${Math.floor(Math.random() * 255)}`
  const path = pick(paths)
  const clock = new Date().toISOString()
  console.log(
    `${client} - - [${clock}] "GET ${path} HTTP/1.1" ${status} ${Math.floor(Math.random() * 60_000)} "-" "${pick(agents)}"`,
  )
  if (status >= 500)
    console.error(
      `${clock} [error] 7#7: upstream timed out (110: Connection timed out), client: ${client}, request: "GET ${path}"`,
    )
  setTimeout(request, 50 + Math.random() * 450)
}

process.on('SIGTERM', () => {
  console.error(`${new Date().toISOString()} [notice] 7#7: signal 15 received, shutting down`)
  process.exit(0)
})
request()
