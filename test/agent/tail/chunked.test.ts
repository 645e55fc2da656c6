import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Chunked } from '../../../agent/tail/chunked.ts'

/** Decodes pieces one after the other; also says whether the end was seen. */
function decode(pieces: readonly Buffer[]): { data: string; isDone: boolean } {
  const chunked = new Chunked()
  const data = pieces.map((piece) => {
    const bytes = Buffer.from(piece)
    return bytes.toString('latin1', 0, chunked.decode(bytes))
  })
  return { data: data.join(''), isDone: chunked.isDone }
}

function encode(chunks: readonly Uint8Array[], end = '0\r\n\r\n'): Buffer {
  const parts = chunks.flatMap((chunk) => [Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')])
  return Buffer.concat([...parts, Buffer.from(end)])
}

describe('the chunked coding', () => {
  it('comes off wherever the bytes are torn', () => {
    const chunk = fc.uint8Array({ minLength: 1, maxLength: 400 })
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 20 }), fc.array(fc.nat(3000)), (chunks, cuts) => {
        const bytes = encode(chunks)
        const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
        const pieces = at.slice(1).map((end, index) => bytes.subarray(at[index], end))
        expect(decode(pieces)).toEqual({ data: Buffer.concat(chunks).toString('latin1'), isDone: true })
      }),
    )
  })

  it.each([
    ['extensions', '3;name="a b"\r\nabc\r\n0\r\n\r\n', 'abc'],
    ['sizes in capitals and with zeros before', '0000A\r\n0123456789\r\n0\r\n\r\n', '0123456789'],
    ['trailers', '1\r\na\r\n0\r\nX-Sum: 1\r\nY: 2\r\n\r\n', 'a'],
    ['whatever follows the end', '1\r\na\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n', 'a'],
  ])('may have %s', (_, text, data) => {
    expect(decode([Buffer.from(text)])).toEqual({ data, isDone: true })
    expect(decode([...text].map((byte) => Buffer.from(byte)))).toEqual({ data, isDone: true })
  })

  it('is not done before its end', () => {
    const whole = '5\r\nhello\r\n0\r\n\r\n'
    for (let end = 0; end < whole.length; end++) expect(decode([Buffer.from(whole.slice(0, end))]).isDone).toBe(false)
  })

  it.each(['\r\n', 'x\r\n', '-1\r\n', '3\r\nabcd', '3\nabc', '3\r\nabc\n', `${'f'.repeat(20)}\r\n`, ';a\r\n'])(
    'is refused when it is broken: %j',
    (text) => {
      expect(() => decode([Buffer.from(text)])).toThrow(/chunked coding/)
    },
  )
})
