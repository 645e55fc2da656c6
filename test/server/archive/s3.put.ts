// Puts a file on a shelf, for a test that kills it. Usage: node s3.put.ts CONFIG-AS-JSON NAME PATH
import { openShelf } from '../../../server/archive/open-shelf.ts'

const [config = '', name = '', path = ''] = process.argv.slice(2)
const shelf = await openShelf(JSON.parse(config))
await shelf.put(name, path)
shelf.close()
