import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, json, runCli, ScriptedServer } from './scripted.ts'

const server = new ScriptedServer()
beforeAll(() => server.start())
afterAll(() => server.stop())

const ask = (args: readonly string[], env: Record<string, string> = {}) =>
  runCli(args, { SWARMLOGS_URL: server.url, ...env })
const problem = (code: string, message: string, rest: object = {}) => ({ error: { code, message, ...rest } })

describe('errors', () => {
  it.each([
    [
      json(404, problem('no_such_target', "cannot find 'wbe'", { nearest: ['web', 'api'] })),
      1,
      "error: cannot find 'wbe'; the nearest: web, api\n",
    ],
    [
      json(404, problem('no_such_target', "cannot find 'x'", { nearest: [], known: ['web'] })),
      1,
      "error: cannot find 'x'; there are: web\n",
    ],
    [json(404, problem('no_such_record', 'cannot find the line')), 1, 'error: cannot find the line\n'],
    [
      json(404, problem('no_such_address', 'cannot GET /x')),
      1,
      /^error: cannot ask http.* this: the server is older than this program; `swarmlogs version` shows both/,
    ],
    [
      json(405, problem('wrong_method', 'cannot POST /x')),
      1,
      /^error: cannot ask http.* this: the server is older than this program; `swarmlogs version` shows both/,
    ],
    [
      json(400, problem('bad_parameter', 'cannot read the time', { parameter: 'since' })),
      2,
      'error: cannot read the time\n',
    ],
    [json(503, problem('store_unavailable', 'cannot open the store')), 1, 'error: cannot open the store\n'],
    [
      json(401, problem('unauthorized', 'no')),
      1,
      /^error: cannot read from http.*: it wants a token; set SWARMLOGS_TOKEN/,
    ],
    [
      ((response) => response.writeHead(404).end('<html>')) as Answer,
      1,
      /is 404; is it a swarmlogs server\? check --url.*swarmlogs doctor/,
    ],
  ])('says what to do: %#', async (answer, code, message) => {
    server.script(answer)
    const ended = await ask(['tail', 'wbe', '-n', '1'])
    expect({ code: ended.code, stdout: ended.stdout }).toEqual({ code, stdout: '' })
    expect(ended.stderr).toMatch(message)
  })

  it('asks whether the server is up when it cannot be reached', async () => {
    const { code, stderr } = await runCli(['tail', '-n', '1', '--url', 'http://127.0.0.1:1'])
    expect(code).toBe(1)
    expect(stderr).toBe(
      'error: cannot reach http://127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1; is the server up? swarmlogs doctor checks; --url or SWARMLOGS_URL name another one; --direct reads from Docker itself\n',
    )
  })

  it('sends the token, and says when it is not taken', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'swarmlogs-cli-'))
    writeFileSync(join(folder, 'token'), 'secret\n')
    server.script(json(401, problem('unauthorized', 'no')))
    const { stderr } = await ask(['tail', '-n', '1', '--token-file', join(folder, 'token')])
    rmSync(folder, { recursive: true })
    expect(stderr).toContain('does not take this token')
    expect(server.requests[0]?.headers.authorization).toBe('Bearer secret')
  })

  it.each([
    [['tial'], /unknown command 'tial'\n\(Did you mean tail\?\)/],
    [['help', 'tial'], /unknown command 'tial'\n\(Did you mean tail\?\)/],
    [['tial', '--help'], /unknown command 'tial'\n\(Did you mean tail\?\)/],
    [['tail', '--url', 'http://me:secret@x'], /^error: cannot use a URL with a user or password in it: give the token/],
    [['tail', '--folow'], /unknown option '--folow'\n\(Did you mean --follow\?\)/],
    [['tail', 'web', '-n'], /option '-n, --tail <N>' argument missing/],
    [['tail', '-n', 'ten'], /cannot use 'ten' for --tail: give a count such as 100, or all/],
    [['tail', '-o', 'xml'], /cannot use 'xml' for --output/],
    [['tail', '--url', 'ftp://x'], /cannot use the URL 'ftp:\/\/x'/],
    [['search', ''], /cannot search for an empty text/],
  ])('counts %j as wrong usage', async (args, message) => {
    const { code, stdout, stderr } = await runCli(args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(message)
  })

  it('refuses a token and a file of one together', async () => {
    const { code, stderr } = await runCli(['tail'], { SWARMLOGS_TOKEN: 'x', SWARMLOGS_TOKEN_FILE: '/y' })
    expect(code).toBe(2)
    expect(stderr).toContain('cannot use SWARMLOGS_TOKEN and SWARMLOGS_TOKEN_FILE together')
  })
})
