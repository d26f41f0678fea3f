// Call Slugline from Node.js: node classify.js ADDRESS [VERSION]. SLUGLINE_TLS_CA and SLUGLINE_TOKEN may be set.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import grpc from '@grpc/grpc-js';
import protoLoader from '@grpc/proto-loader';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const proto = protoLoader.loadSync(here('../../protos/slugline/v1/classification.proto'), {
  keepCase: true, enums: String, defaults: true, longs: Number,
});
const { ClassificationService } = grpc.loadPackageDefinition(proto).slugline.v1;

const [address, version = ''] = process.argv.slice(2);
const { SLUGLINE_TLS_CA: ca, SLUGLINE_TOKEN: token } = process.env;
const credentials = ca ? grpc.credentials.createSsl(readFileSync(ca)) : grpc.credentials.createInsecure();
const client = new ClassificationService(address, credentials, {
  'grpc.service_config': readFileSync(here('../service-config.json'), 'utf8'),
});
const metadata = new grpc.Metadata();
if (token) metadata.set('authorization', `Bearer ${token}`);
const call = (method, request) =>
  promisify(client[method]).call(client, request, metadata, { deadline: Date.now() + 5000 });

try {
  const { topics } = await call('Classify', {
    document: {
      title: 'Envoys in Geneva',
      text: 'Ministers held talks on a treaty while troops shelled the border.',
    },
    evidence_terms: 3,
    model_version: version,
  });
  for (const { topic, score, assigned, evidence } of topics) {
    console.log(topic, score.toFixed(3), assigned ? 'yes' : 'no', evidence.terms[0]?.term ?? '-');
  }

  const documents = [
    { id: 'a', text: 'The ambassador signed the treaty at the summit.' },
    { id: 'b', text: ' ' },
  ];
  const batch = await call('BatchClassify', { documents });
  const errors = new Map(batch.errors.map((error) => [error.index, error]));
  documents.forEach(({ id }, row) => {
    const error = errors.get(row);
    if (error) {
      console.log(`${id}: ${error.reason.replace('DOCUMENT_ERROR_REASON_', '')}: ${error.message}`);
      return;
    }
    const width = batch.topics.length;
    const assigned = batch.topics.filter((_, column) => batch.scores[row * width + column] >= batch.thresholds[column]);
    console.log(`${id}: ${assigned.join(', ') || 'none'}`);
  });
} catch (error) {
  console.error(`${grpc.status[error.code]}: ${error.details}`);
  process.exitCode = 1;
} finally {
  client.close();
}
