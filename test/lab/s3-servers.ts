import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Artifact, ensureArtifact } from './maven.ts'

/** Who may ask a server that checks it. */
export const CREDENTIALS = { accessKeyId: 'lab', secretAccessKey: 'lab-secret' }
/** The one bucket that is there. */
export const BUCKET = 'lab-bucket'
/** The id of the KMS key that `mock` knows. */
export const KMS_KEY = '00000000-0000-0000-0000-000000000001'

/** `mock` encrypts, checks sums and speaks TLS, but lets everybody in; `proxy` checks signatures and refuses encryption. */
export type S3Kind = 'mock' | 'proxy'

/** Where a server is to live. */
export interface S3Place {
  readonly dir: string
  readonly http: number
  readonly https: number
}

/** A server that speaks S3 and keeps files in a folder. */
interface S3Server extends Artifact {
  /** Lays out its folder; answers what java is to run. */
  lay(jar: string, place: S3Place): string[]
}

const servers: Readonly<Record<S3Kind, S3Server>> = {
  mock: {
    title: 'S3Mock 5.2.0',
    coordinates: 'com.adobe.testing:s3mock:5.2.0:jar:exec',
    lay: (jar, { dir, http, https }) => [
      ...['-jar', jar, `--http.port=${http}`, `--server.port=${https}`, '--server.address=127.0.0.1'],
      ...[
        `root=${join(dir, 's3')}`,
        'retainFilesOnExit=true',
        `initialBuckets=${BUCKET}`,
        `validKmsKeys=arn:aws:kms:us-east-1:000000000000:key/${KMS_KEY}`,
      ].map((setting) => `--com.adobe.testing.s3mock.store.${setting}`),
    ],
  },
  proxy: {
    title: 'S3Proxy 4.1.0',
    coordinates: 'org.gaul:s3proxy:4.1.0:jar:jar-with-dependencies',
    lay: (jar, { dir, http }) => {
      mkdirSync(join(dir, 's3', BUCKET), { recursive: true })
      const settings = {
        's3proxy.authorization': 'aws-v2-or-v4',
        's3proxy.endpoint': `http://127.0.0.1:${http}`,
        's3proxy.identity': CREDENTIALS.accessKeyId,
        's3proxy.credential': CREDENTIALS.secretAccessKey,
        // It knows nothing of sessions.
        's3proxy.ignore-unknown-headers': 'true',
        'jclouds.provider': 'filesystem-nio2',
        'jclouds.filesystem.basedir': join(dir, 's3'),
      }
      const file = join(dir, 's3proxy.conf')
      writeFileSync(
        file,
        Object.entries(settings)
          .map(([name, value]) => `${name}=${value}\n`)
          .join(''),
      )
      return ['-DLOG_LEVEL=warn', '-cp', jar, 'org.gaul.s3proxy.Main', '--properties', file]
    },
  },
}

/** Downloads the servers when they are missing. */
export async function ensureS3(): Promise<void> {
  for (const server of Object.values(servers)) await ensureArtifact(server)
}

/** Lays out a server's folder; answers the arguments that java starts it with. */
export async function layOutS3(kind: S3Kind, place: S3Place): Promise<string[]> {
  const jar = await ensureArtifact(servers[kind])
  return ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx384m', ...servers[kind].lay(jar, place)]
}
