import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { openShelf } from '../../../server/archive/open-shelf.ts'
import type { ArchiveS3Config } from '../../../server/config/archive-s3.ts'
import { CREDENTIALS } from '../../lab/s3-servers.ts'
import { useShelf } from './s3-under-test.ts'

const { accessKeyId, secretAccessKey } = CREDENTIALS
const NOW_MS = Date.now()
const TOKEN = 'lab-token'

/** What a role gives, as the metadata services tell it. */
const ROLE = {
  Code: 'Success',
  AccessKeyId: accessKeyId,
  SecretAccessKey: secretAccessKey,
  Token: TOKEN,
  Expiration: new Date(NOW_MS + 3_600_000).toISOString(),
}

const lab = useShelf('proxy')

// Nothing of this machine may be found.
beforeEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined)
  vi.stubEnv('HOME', lab.dir)
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
})
afterEach(() => void vi.unstubAllEnvs())

describe('the credentials', () => {
  it('are those of the settings, and a wrong one is told from the other', async () => {
    await lab.shelf.put('day/words', lab.file('words', 'x'))
    await expectRefused({ accessKeyId, secretAccessKey: 'wrong' }, 'the secret key is wrong: check --archive-s3-access')
    await expectRefused({ accessKeyId: 'nobody', secretAccessKey }, 'does not know this access key: check --archive-s3')
  })

  it('come from the environment', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', accessKeyId)
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', secretAccessKey)
    await expectIn()
  })

  it("come from the file of the AWS tools, in the server's home or elsewhere, by profile", async () => {
    const lines = [`aws_access_key_id = ${accessKeyId}`, `aws_secret_access_key = ${secretAccessKey}`]
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', lab.file('credentials', ['[logs]', ...lines, ''].join('\n')))
    vi.stubEnv('AWS_PROFILE', 'logs')
    await expectIn()
  })

  it("come from an instance's role, asked for by a token", async () => {
    const url = await metadataOf((method, path, headers) => {
      if (method === 'PUT' && path === '/latest/api/token') return 'imds-token'
      if (headers['x-aws-ec2-metadata-token'] !== 'imds-token') return undefined
      const role = '/latest/meta-data/iam/security-credentials/'
      return path === role ? 'logs-role' : path === `${role}logs-role` ? JSON.stringify(ROLE) : undefined
    })
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', undefined)
    vi.stubEnv('AWS_EC2_METADATA_SERVICE_ENDPOINT', url)
    await expectIn(TOKEN)
  })

  it("come from a container's role", async () => {
    const url = await metadataOf((_, path, { authorization }) =>
      path === '/credentials' && authorization === 'of-the-task' ? JSON.stringify(ROLE) : undefined,
    )
    vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', `${url}/credentials`)
    vi.stubEnv('AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE', lab.file('authorization', 'of-the-task'))
    await expectIn(TOKEN)
  })

  it("come from a web identity's role", async () => {
    const url = await metadataOf((_, _path, _headers, body) =>
      new URLSearchParams(body).get('WebIdentityToken') === 'who-we-are'
        ? `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials>
            <AccessKeyId>${accessKeyId}</AccessKeyId><SecretAccessKey>${secretAccessKey}</SecretAccessKey>
            <SessionToken>${TOKEN}</SessionToken><Expiration>${ROLE.Expiration}</Expiration></Credentials>
          </AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`
        : undefined,
    )
    vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', lab.file('identity', 'who-we-are'))
    vi.stubEnv('AWS_ROLE_ARN', 'arn:aws:iam::000000000000:role/logs')
    vi.stubEnv('AWS_ENDPOINT_URL_STS', url)
    vi.stubEnv('AWS_REGION', 'us-east-1')
    await expectIn(TOKEN)
  })

  it('are said to be missing when there are none', async () => {
    const shelf = await openShelf(withoutKeys())
    await expect(shelf.put('day/words', lab.file('words', 'x'))).rejects.toMatchObject({
      code: 'SWARMLOGS_UNAUTHORIZED',
      message: expect.stringMatching(
        /no credentials were found: give --archive-s3-access-key-file .* a role of this machine$/,
      ),
    })
    shelf.close()
  })
})

it('says that the storage does not support encryption', async () => {
  const shelf = await openShelf({ ...lab.config(), encryption: { kind: 'AES256' } })
  await expect(shelf.put('day/words', lab.file('words', 'x'))).rejects.toThrow('check --archive-s3-sse')
  shelf.close()
})

it('goes by the clock of the storage when its own is wrong', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: NOW_MS - 86_400_000 })
  onTestFinished(() => void vi.useRealTimers())
  await lab.shelf.put('day/words', lab.file('words', 'x'))
  const [refused, taken] = lab.wire.seen.map(({ headers }) => String(headers['x-amz-date']).slice(0, 8))
  expect(refused).not.toBe(taken)
})

function withoutKeys(): ArchiveS3Config {
  const { credentials: _, ...rest } = lab.config()
  return rest
}

/** What was found on the way opens the storage, and the session's token went with it. */
async function expectIn(token?: string): Promise<void> {
  const shelf = await openShelf(withoutKeys())
  await shelf.put('day/words', lab.file('words', 'x'))
  shelf.close()
  expect(await lab.listed()).toEqual([{ name: 'day/words', bytes: 1 }])
  const tokens = lab.wire.seen.slice(0, -1).map(({ headers }) => headers['x-amz-security-token'])
  expect(new Set(tokens)).toEqual(new Set([token]))
}

async function expectRefused(credentials: ArchiveS3Config['credentials'], message: string): Promise<void> {
  const shelf = await openShelf({ ...lab.config(), ...(credentials && { credentials }) })
  const refusal = { code: 'SWARMLOGS_UNAUTHORIZED', message: expect.stringContaining(message) }
  await expect(shelf.put('day/words', lab.file('words', 'y'))).rejects.toMatchObject(refusal)
  await expect(shelf.get('day/words', '/nowhere')).rejects.toThrow()
  shelf.close()
}

type Answer = (method: string, path: string, headers: Record<string, unknown>, body: string) => string | undefined

/** A metadata service that answers so; 404 for undefined. */
async function metadataOf(answer: Answer): Promise<string> {
  const server = createServer(async (request, response) => {
    const body = (await request.toArray()).join('')
    const text = answer(request.method ?? '', request.url ?? '', request.headers, body)
    response.writeHead(text === undefined ? 404 : 200).end(text)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
