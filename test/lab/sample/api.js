// An API's JSON logs with levels, and now and then a stack trace of several lines.
const events = ['order created', 'payment accepted', 'cache miss', 'user signed in', 'stock low']

function log(level, msg, rest) {
  console.log(JSON.stringify({ level, time: new Date().toISOString(), msg, ...rest }))
}

function work() {
  const order = Math.floor(Math.random() * 1e6)
  const roll = Math.random()
  if (roll < 0.05) fail(order)
  else
    log(roll < 0.15 ? 'warn' : 'info', events[Math.floor(Math.random() * events.length)], {
      order,
      ms: Math.floor(Math.random() * 400),
    })
  setTimeout(work, 200 + Math.random() * 800)
}

function fail(order) {
  log('error', 'cannot reserve stock', { order, err: 'ECONNREFUSED' })
  console.error(new Error(`connect ECONNREFUSED 10.0.2.9:5432 (order ${order})`).stack)
}

process.on('SIGTERM', () => {
  log('info', 'shutting down')
  process.exit(0)
})
work()
