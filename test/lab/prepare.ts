// Installs what the tests need beside npm packages: Debian's Docker engine and friends, a terminal, curl, openssl, Elasticsearch, an S3 server.
import { ensureElastic } from './elastic-package.ts'
import { ensureDocker, ensurePackages, which } from './install.ts'
import { ensureS3Mock } from './s3.ts'

await ensureDocker()
await ensurePackages(['tmux', 'curl', 'openssl'].filter((program) => which(program) === undefined))
if (!process.env.ELASTICSEARCH_URL) await ensureElastic()
await ensureS3Mock()
