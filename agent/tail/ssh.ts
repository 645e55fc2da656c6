import { spawn } from 'node:child_process'
import { Duplex } from 'node:stream'

/** What ssh says when it fails is cut to this. */
const MAX_STDERR = 1024

/**
 * A connection to the Docker engine of another machine, as docker's own client makes it for `ssh://[USER@]HOST[:PORT][/SOCKET]`:
 * by the user's ssh, with their keys and configuration, and the docker client over there.
 */
export function dialBySsh({ hostname, port, username, pathname }: URL): Duplex {
  const socket = pathname.length > 1 ? ['--host', `unix://${pathname}`] : []
  const login = [...(username === '' ? [] : ['-l', decodeURIComponent(username)]), ...(port === '' ? [] : ['-p', port])]
  // Nobody is there to answer questions.
  const options = ['-o', 'ConnectTimeout=30', '-o', 'BatchMode=yes', '-T', ...login]
  const args = [...options, '--', hostname, 'docker', ...socket, 'system', 'dial-stdio']
  const child = spawn('ssh', args, { stdio: 'pipe' })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(0, MAX_STDERR)
  })
  // Why nothing can be written shows when it has ended.
  child.stdin.on('error', () => undefined)
  const connection = new Duplex({
    read: () => void child.stdout.resume(),
    write: (chunk, encoding, done) => void child.stdin.write(chunk, encoding, () => done()),
    final: (done) => void child.stdin.end(() => done()),
    destroy: (error, done) => {
      child.kill()
      done(error)
    },
  })
  child.stdout.on('data', (chunk: Buffer) => {
    if (!connection.push(chunk)) child.stdout.pause()
  })
  child.on('error', (error) => connection.destroy(new Error(`cannot run ssh: ${error.message}; install it`)))
  // Not at the end of its output: only now it is known whether it failed.
  child.on('close', (code) => {
    if (code === 0) connection.push(null)
    else connection.destroy(new Error(`ssh to ${hostname} failed: ${said.trim() || `it ended with ${code}`}`))
  })
  return connection
}
