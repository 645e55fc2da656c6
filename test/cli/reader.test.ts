import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, frame, ScriptedServer, shell, startCli } from './scripted.ts'

const server = new ScriptedServer()
beforeAll(() => server.start())
afterAll(() => server.stop())

describe('readers that go away', () => {
  /** Lines without an end, as fast as they are taken. */
  const endless: Answer = (response) => {
    response.writeHead(200)
    const lines = frame(1, 'a line\n'.repeat(1000))
    const more = () => {
      while (response.write(lines));
    }
    response.on('drain', more)
    more()
  }

  it('ends quietly when the pipe is closed', async () => {
    server.script(endless)
    const ended = await shell('$SWARMLOGS logs web | head -1; echo $PIPESTATUS', server.url)
    expect(ended).toEqual({ code: 0, stdout: 'a line\n0\n', stderr: '' })
  })

  it('ends with 130 at Ctrl-C', async () => {
    server.script(endless)
    const cli = startCli(['logs', 'web'], { SWARMLOGS_URL: server.url })
    await cli.until('a line')
    cli.child.kill('SIGINT')
    expect(await cli.ended).toMatchObject({ code: 130, signal: null, stderr: '' })
  })

  it('fails when the output cannot be written', async () => {
    server.script(endless)
    const { code, stderr } = await shell('$SWARMLOGS logs web > /dev/full', server.url)
    expect(code).toBe(1)
    expect(stderr).toMatch(/^error: cannot write to stdout: ENOSPC/)
  })
})
