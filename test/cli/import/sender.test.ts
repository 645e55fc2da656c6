import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { json, ScriptedServer, shell } from '../scripted.ts'

const server = new ScriptedServer()
beforeAll(() => server.start())
afterAll(() => server.stop())

const old = { lines: 1, message: 'cannot keep lines that are too old' }
const importOne = () => shell(`echo '{"msg":"x"}' | $SWARMLOGS import -`, server.url)

describe('import', () => {
  it.each([
    [0, 1, 'imported 0 lines\n'],
    [1, 0, 'imported 1 lines\n'],
  ])('says what was left out when %d were kept', async (accepted, code, stdout) => {
    server.script(json(200, { accepted, rejected: 0, errors: [], expired: old }))
    const stderr = '-- 1 lines were left out: cannot keep lines that are too old\n'
    expect(await importOne()).toEqual({ code, stdout, stderr })
  })

  it('counts the lines of a request of which none was taken, and goes on', async () => {
    const message = 'cannot take any of 1 lines; line 1: cannot take this line: it is odd'
    server.script(json(400, { error: { code: 'bad_request', message } }))
    const stdout = 'imported 0 lines, 1 could not be taken\n'
    expect(await importOne()).toEqual({ code: 1, stdout, stderr: `${message}\n` })
  })
})
