import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeClock } from '../../lab/clock.ts'
import { eventually } from '../../lab/program.ts'
import { run } from '../../lab/run.ts'
import type { Fault } from '../rig/drive.ts'
import type { Scene } from '../rig/scene.ts'

const NAME = 'logs.swarmlogs.test'
/** What a server says before it acks, and some acks. */
const GREETING_BYTES = 4_000
const LONG_AGO_SECONDS = 5 * 365 * 24 * 3600

/** What happens to how an agent finds its server and trusts it. */
export const trust: readonly Fault[] = [
  {
    name: 'N8',
    title: "the server's certificate is of another CA, or has expired; its name is gone, or leads elsewhere",
    isShort: true,
    async run(scene) {
      const { files, hosts } = await prepare(scene)
      hosts('127.0.0.1')
      await scene.startServer({ flags: ['--tls-cert', files.cert, '--tls-key', files.key] })
      // The port of its network, by a name that only the agent knows.
      const server = `${NAME}:${scene.network.address.split(':')[1]}`
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
  // Connections that come about nevertheless, until the server has read its new files, end as well.
  scene.network.down = (bytes, link) => {
    if (link.received.down > GREETING_BYTES) link.cut()
    return [bytes]
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
  const files = {
    ...{ cert: path('cert.pem'), key: path('key.pem'), ca: path('ca.pem'), hosts: path('hosts') },
    use(name: string) {
      copyFileSync(`${path(name)}.key`, files.key)
      copyFileSync(`${path(name)}.pem`, files.cert)
    },
  }
  files.use('right')
  return { files, hosts: (address: string) => writeFileSync(files.hosts, address && `${address} ${NAME}\n`) }
}

/** Makes a key and a certificate for two days, signed by a CA or by itself. */
async function certify(path: string, ca?: string, env: Readonly<Record<string, string>> = {}): Promise<void> {
  const subject = ['-subj', `/CN=${NAME}`, '-addext', `subjectAltName=DNS:${NAME}`, '-days', '2']
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', `${path}.key`]
  const signer = ca === undefined ? [] : ['-CA', `${ca}.pem`, '-CAkey', `${ca}.key`]
  await run('openssl', ['req', '-x509', ...key, ...signer, ...subject, '-out', `${path}.pem`], { env })
}
