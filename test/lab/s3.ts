import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { connect } from 'node:tls'
import type { ArchiveS3Config } from '../../server/config/archive-s3.ts'
import { which } from './install.ts'
import { ensureArtifact } from './maven.ts'
import { claimPlace, clearPlace } from './place.ts'
import { freePorts } from './ports.ts'
import { LAB_MARK } from './processes.ts'

const VERSION = '5.2.0'
const artifact = { title: `S3Mock ${VERSION}`, coordinates: `com.adobe.testing:s3mock:${VERSION}:jar:exec` }
const BUCKET = 'lab-bucket'

/** The id of the KMS key that the server knows. */
export const KMS_KEY = '00000000-0000-0000-0000-000000000001'

/**
 * A server that speaks S3, of a test's own, with one bucket: uploads in parts, checksums, ranges, conditions, encryption headers. What is in it survives its end.
 * It does not check who asks.
 */
export interface S3 {
  readonly url: string
  /** With a certificate that it signed itself. */
  readonly httpsUrl: string
  readonly bucket: string
  /** What points the archive at it, below a prefix. */
  config(prefix: string): ArchiveS3Config
  /** That of `httpsUrl`, in PEM. */
  certificate(): Promise<string>
  /** Sends SIGKILL; what is in it stays. */
  kill(): Promise<void>
  /** Starts it again; resolves when it answers. */
  start(): Promise<void>
  /** Ends it and removes all. */
  stop(): Promise<void>
}

/** Downloads the server when it is missing; answers its jar. */
export async function ensureS3Mock(): Promise<string> {
  return ensureArtifact(artifact)
}

/** Starts a server. */
export async function startS3(): Promise<S3> {
  const jar = await ensureS3Mock()
  const place = await claimPlace()
  try {
    const [http = 0, https = 0] = await freePorts(place, 2)
    const url = `http://127.0.0.1:${http}`
    const args = [
      '-XX:TieredStopAtLevel=1',
      '-XX:+UseSerialGC',
      '-Xmx384m',
      '-jar',
      jar,
      ...settings(place.dir, http, https),
    ]
    let child: ChildProcess | undefined
    const s3: S3 = {
      url,
      httpsUrl: `https://localhost:${https}`,
      bucket: BUCKET,
      config: (prefix) => ({
        ...{ bucket: BUCKET, prefix, endpoint: url, region: 'us-east-1', isPathStyle: true },
        credentials: { accessKeyId: 'lab', secretAccessKey: 'lab-secret' },
      }),
      certificate: () => certificateOf(https),
      kill: async () => {
        const ended = child?.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined
        child?.kill('SIGKILL')
        await ended
      },
      start: async () => {
        child = launch(args, place.dir)
        await untilAnswered(url, child, place.dir)
      },
      stop: async () => {
        await s3.kill()
        await clearPlace(place)
      },
    }
    await s3.start()
    return s3
  } catch (error) {
    await clearPlace(place)
    throw error
  }
}

function settings(dir: string, http: number, https: number): string[] {
  const store = '--com.adobe.testing.s3mock.store'
  return [
    `--http.port=${http}`,
    `--server.port=${https}`,
    // Of the administration, which nobody needs.
    '--server.address=127.0.0.1',
    `${store}.root=${join(dir, 's3')}`,
    `${store}.retainFilesOnExit=true`,
    `${store}.initialBuckets=${BUCKET}`,
    `${store}.validKmsKeys=arn:aws:kms:us-east-1:000000000000:key/${KMS_KEY}`,
  ]
}

function launch(args: readonly string[], dir: string): ChildProcess {
  const log = openSync(join(dir, 's3.log'), 'a')
  const child = spawn(which('java') ?? 'java', args, {
    cwd: dir,
    env: { ...process.env, [LAB_MARK]: dir },
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  return child
}

async function untilAnswered(url: string, child: ChildProcess, dir: string): Promise<void> {
  for (const end = performance.now() + 60_000; performance.now() < end && child.exitCode === null; await delay(50)) {
    const answer = await fetch(`${url}/${BUCKET}?list-type=2`).catch(() => undefined)
    await answer?.body?.cancel()
    if (answer?.ok) return
  }
  const said = readFileSync(join(dir, 's3.log'), 'utf8').trimEnd().split('\n').slice(-15).join('\n')
  throw new Error(`cannot start S3Mock in ${dir}: ${said}`)
}

async function certificateOf(port: number): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const { raw } = socket.getPeerCertificate()
  socket.destroy()
  return `-----BEGIN CERTIFICATE-----\n${raw.toString('base64')}\n-----END CERTIFICATE-----\n`
}
