import { realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { which } from './install.ts'
import { ensureArtifact } from './maven.ts'
import { run } from './run.ts'

/** The Elasticsearch release that the tests run against. */
export const ELASTIC_VERSION = '8.19.21'

// The release's own minimal build (core and security), which Maven Central has; the full one is not published there.
const artifact = {
  title: `Elasticsearch ${ELASTIC_VERSION}`,
  coordinates: `org.elasticsearch.distribution.integ-test-zip:elasticsearch:${ELASTIC_VERSION}:zip`,
}

/** The further programs that Elasticsearch and its tests need, by the Debian package that brings them. */
const needs = {
  javac: 'default-jdk-headless',
  unzip: 'unzip',
  openssl: 'openssl',
  setpriv: 'util-linux',
}

let downloading: Promise<string> | undefined

/** Installs Java and Maven when missing and downloads Elasticsearch once, then keeps it in the user's cache; answers the zip file. */
export async function ensureElastic(): Promise<string> {
  downloading ??= ensureArtifact(artifact, needs)
  return downloading
}

/** Unpacks Elasticsearch into a folder and answers its home. */
export async function unpackElastic(dir: string): Promise<string> {
  await run('unzip', ['-q', await ensureElastic(), '-d', dir])
  return join(dir, `elasticsearch-${ELASTIC_VERSION}`)
}

/** What ES_JAVA_HOME must be. */
export function javaHome(): string {
  return process.env.ES_JAVA_HOME ?? dirname(dirname(realpathSync(which('java') ?? 'java')))
}
