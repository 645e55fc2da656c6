import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { connect } from 'node:tls'
import type { ArchiveS3Config } from '../../server/config/archive-s3.ts'
import { which } from './install.ts'
import { claimPlace, clearPlace, type Place } from './place.ts'
import { freePorts } from './ports.ts'
import { LAB_MARK } from './processes.ts'
import { BUCKET, CREDENTIALS, layOutS3, type S3Kind } from './s3-servers.ts'

/** A server that speaks S3, of a test's own, with one bucket. What is in it survives its end. */
export interface S3 {
  readonly url: string
  /** Of `mock`, with a certificate that it signed itself. */
  readonly httpsUrl: string
  readonly bucket: string
  /** Where `proxy` keeps the bucket, as plain files. */
  readonly folder: string
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

/** Starts a server. */
export async function startS3(kind: S3Kind): Promise<S3> {
  const place = await claimPlace()
  try {
    const [http = 0, https = 0] = await freePorts(place, 2)
    const args = await layOutS3(kind, { dir: place.dir, http, https })
    const s3 = serverOf(place, args, http, https)
    await s3.start()
    return s3
  } catch (error) {
    await clearPlace(place)
    throw error
  }
}

function serverOf(place: Place, args: readonly string[], http: number, https: number): S3 {
  const url = `http://127.0.0.1:${http}`
  let child: ChildProcess | undefined
  const kill = async () => {
    const ended = child?.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined
    child?.kill('SIGKILL')
    await ended
  }
  return {
    url,
    httpsUrl: `https://localhost:${https}`,
    bucket: BUCKET,
    folder: join(place.dir, 's3', BUCKET),
    config: (prefix) => ({
      ...{ bucket: BUCKET, prefix, endpoint: url, region: 'us-east-1', isPathStyle: true },
      credentials: CREDENTIALS,
    }),
    certificate: () => certificateOf(https),
    kill,
    start: async () => {
      child = launch(args, place.dir)
      await untilAnswered(url, child, place.dir)
    },
    stop: async () => {
      await kill()
      await clearPlace(place)
    },
  }
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
    // 403: it wants a signature.
    if (answer?.ok || answer?.status === 403) return
  }
  const said = readFileSync(join(dir, 's3.log'), 'utf8').trimEnd().split('\n').slice(-15).join('\n')
  throw new Error(`cannot start an S3 server in ${dir}: ${said}`)
}

async function certificateOf(port: number): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const { raw } = socket.getPeerCertificate()
  socket.destroy()
  return `-----BEGIN CERTIFICATE-----\n${raw.toString('base64')}\n-----END CERTIFICATE-----\n`
}
