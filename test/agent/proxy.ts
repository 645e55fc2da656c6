import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** A way to a port on which all is lost that comes in pieces of over `maxBytes`: a path whose MTU nobody tells of. Answers its own port. */
export async function blackHole(port: number, maxBytes: number): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    let isLost = false
    near.on('data', (bytes) => {
      // TCP sends again what was lost, so nothing behind it arrives either.
      isLost ||= bytes.length > maxBytes
      if (!isLost) far.write(bytes)
    })
    far.pipe(near)
    for (const socket of [near, far]) {
      sockets.add(socket.on('error', () => undefined))
      socket.on('close', () => void near.destroy(far.destroy().errored ?? undefined))
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return (server.address() as AddressInfo).port
}
