// Installs what the tests need beside npm packages: Debian's Docker engine and friends, a terminal, curl, openssl, Elasticsearch, S3 servers.
import { ensureElastic } from './elastic-package.ts'
import { ensureDocker, ensurePackages, which } from './install.ts'
import { ensureS3 } from './s3-servers.ts'

await ensureDocker()
await ensurePackages(['tmux', 'curl', 'openssl'].filter((program) => which(program) === undefined))
if (!process.env.ELASTICSEARCH_URL) await ensureElastic()
await ensureS3()
