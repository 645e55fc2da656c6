import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/*
 * The shared-key handshake of the Fluentd forward protocol v1, as both sides need it:
 *   server -> client  ["HELO", {nonce, auth, keepalive}]
 *   client -> server  ["PING", host, salt, keyDigest(salt, host, nonce, key), user, passwordDigest]
 *   server -> client  ["PONG", true, "", serverHost, keyDigest(salt, serverHost, nonce, key)] or ["PONG", false, reason, "", ""]
 * nonce, auth and salt are raw bytes and travel as msgpack bin: as str, UTF-8 decoding would destroy them.
 */

/** Length in bytes of a nonce, an auth salt and a PING's salt of ours; those of others may have any length up to 256. */
export const SALT_BYTES = 16

/** Fresh random bytes for one connection's nonce or salt. */
export function freshSalt(): Buffer {
  return randomBytes(SALT_BYTES)
}

/** What a PING or a PONG proves: that the side named `host` (the client's, respectively the server's name) knows the key. */
export interface KeyProof {
  readonly salt: Buffer
  readonly host: string
  readonly nonce: Buffer
  readonly key: string
}

/** Lower-case hex SHA-512 over salt, host, nonce and shared key: 128 characters. */
export function keyDigest(proof: KeyProof): string {
  return createHash('sha512').update(proof.salt).update(proof.host).update(proof.nonce).update(proof.key).digest('hex')
}

/** Lower-case hex SHA-512 over auth, user name and password: 128 characters. */
export function passwordDigest(auth: Buffer, user: string, password: string): string {
  return createHash('sha512').update(auth).update(user).update(password).digest('hex')
}

/** Compares two hex digests in constant time; a string that is no SHA-512 digest never matches. */
export function digestsMatch(expected: string, actual: string): boolean {
  const left = Buffer.from(expected, 'latin1')
  const right = Buffer.from(actual, 'latin1')
  return left.length === 128 && left.length === right.length && timingSafeEqual(left, right)
}

/** Finds the key that a digest was made with; compares with all keys whatever it finds, so that time tells nothing. */
export function keyThatMatches(
  keys: readonly string[],
  proof: Omit<KeyProof, 'key'>,
  digest: string,
): string | undefined {
  let found: string | undefined
  for (const key of keys) if (digestsMatch(keyDigest({ ...proof, key }), digest)) found ??= key
  return found
}
