import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  digestsMatch,
  freshSalt,
  keyDigest,
  keyThatMatches,
  passwordDigest,
} from '../../../shared/forward/handshake.ts'

const proof = { salt: Buffer.from('0102ff', 'hex'), host: 'node1', nonce: Buffer.from('aa00', 'hex'), key: 's3cret' }

describe('handshake digests', () => {
  it('hashes salt, host, nonce and key in the order of the specification', () => {
    const bytes = Buffer.concat([proof.salt, Buffer.from('node1'), proof.nonce, Buffer.from('s3cret')])
    expect(keyDigest(proof)).toBe(createHash('sha512').update(bytes).digest('hex'))
  })

  it('hashes auth, user and password in the order of the specification', () => {
    const bytes = Buffer.concat([proof.salt, Buffer.from('ulrich'), Buffer.from('pw')])
    expect(passwordDigest(proof.salt, 'ulrich', 'pw')).toBe(createHash('sha512').update(bytes).digest('hex'))
  })

  it('matches equal digests only', () => {
    const digest = keyDigest(proof)
    expect(digestsMatch(digest, digest)).toBe(true)
    expect(digestsMatch(digest, keyDigest({ ...proof, key: 's3creT' }))).toBe(false)
  })

  it.each(['', 'ab', 'é'.repeat(64), 'x'.repeat(129)])('never matches %j, which is no digest', (text) => {
    expect(digestsMatch(text, text)).toBe(false)
  })

  it('finds the key among several, or none', () => {
    const digest = keyDigest(proof)
    expect(keyThatMatches(['old', 's3cret', 'new'], proof, digest)).toBe('s3cret')
    expect(keyThatMatches(['old', 'new'], proof, digest)).toBeUndefined()
    expect(keyThatMatches([], proof, digest)).toBeUndefined()
  })

  it('makes fresh salts of 16 bytes', () => {
    expect(freshSalt()).toHaveLength(16)
    expect(freshSalt().equals(freshSalt())).toBe(false)
  })
})
