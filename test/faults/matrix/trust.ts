import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { pipeline } from 'node:stream'
import { createServer, type Server, type TlsOptions } from 'node:tls'
import { makeClock } from '../../lab/clock.ts'
import { eventually } from '../../lab/program.ts'
import { run } from '../../lab/run.ts'
import type { Fault } from '../rig/drive.ts'
import type { Scene } from '../rig/scene.ts'

const NAME = 'logs.swarmlogs.test'
const LONG_AGO_SECONDS = 5 * 365 * 24 * 3600

/** What happens to how an agent finds its server and trusts it. */
export const trust: readonly Fault[] = [
  {
    name: 'N8',
    title: "the server's certificate is of another CA, or has expired; its name is gone, or leads elsewhere",
    isShort: false,
    async run(scene) {
      const { files, hosts, server } = await prepare(scene)
      hosts('127.0.0.1')
      await scene.startServer()
      const within = ['unshare', '--mount', 'sh', '-c', 'mount --bind "$0" /etc/hosts && exec "$@"', files.hosts]
      await scene.startAgent({ flags: ['--server', server, '--tls-ca', files.ca], within })
      await scene.print(3)
      await scene.arrival(100)
      for (const wrong of ['other', 'expired']) {
        files.use(wrong)
        await noticed(scene, /certificate/i)
        files.use('right')
        await scene.arrival(100)
      }
      for (const address of ['', '127.0.0.9']) {
        hosts(address)
        await noticed(scene, /ENOTFOUND|EAI_AGAIN|ECONNREFUSED/)
        hosts('127.0.0.1')
        await scene.arrival(100)
      }
    },
  },
]

/** Ends the connection, and waits until the agent says why there is no other. */
async function noticed(scene: Scene, why: RegExp): Promise<void> {
  const before = scene.agent.stderr().length
  scene.network.down = (_, link) => {
    link.cut()
    return []
  }
  const said = () => scene.agent.stderr().slice(before)
  await eventually(
    `the agent to say ${why}`,
    60_000,
    async () => why.test(said()),
    async () => said().slice(-2000),
  )
  scene.network.clear()
}

/** Certificates, a name, and what speaks TLS in the server's stead: it is in front of the network. */
async function prepare(scene: Scene) {
  const dir = join(scene.dir, 'trust')
  mkdirSync(dir)
  const path = (name: string) => join(dir, name)
  const clock = await makeClock(path('clock'))
  await certify(path('ca'))
  await certify(path('other'))
  await certify(path('right'), path('ca'))
  clock.set(-LONG_AGO_SECONDS)
  await certify(path('expired'), path('ca'), clock.env)
  const identity = (name: string) => ({
    cert: readFileSync(`${path(name)}.pem`),
    key: readFileSync(`${path(name)}.key`),
  })
  const front = await startFront(Number(scene.network.address.split(':')[1]), identity('right'))
  scene.cleanUp(async () => void front.close())
  return {
    files: { ca: path('ca.pem'), hosts: path('hosts'), use: (name: string) => front.setSecureContext(identity(name)) },
    hosts: (address: string) => writeFileSync(path('hosts'), address && `${address} ${NAME}\n`),
    server: `${NAME}:${(front.address() as AddressInfo).port}`,
  }
}

async function startFront(target: number, identity: TlsOptions): Promise<Server> {
  const front = createServer(identity, (socket) => {
    const behind = connect(target, '127.0.0.1')
    pipeline(socket, behind, socket, () => {})
  })
  front.listen(0, '127.0.0.1')
  await once(front, 'listening')
  return front
}

/** Makes a key and a certificate for two days, signed by a CA or by itself. */
async function certify(path: string, ca?: string, env: Readonly<Record<string, string>> = {}): Promise<void> {
  const subject = ['-subj', `/CN=${NAME}`, '-addext', `subjectAltName=DNS:${NAME}`, '-days', '2']
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', `${path}.key`]
  const signer = ca === undefined ? [] : ['-CA', `${ca}.pem`, '-CAkey', `${ca}.key`]
  await run('openssl', ['req', '-x509', ...key, ...signer, ...subject, '-out', `${path}.pem`], { env })
}
