/** `npm run docs`: writes docs/api.md and docs/failpoints.md. */

import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { DOCS, readApiFields, render } from './api-fields.js';
import { countBadValues } from './bad-values.js';
import { renderFailpoints } from './failpoints.js';

writeFileSync(path.join(DOCS, 'api.md'), render(readApiFields(), countBadValues()));
writeFileSync(path.join(DOCS, 'failpoints.md'), renderFailpoints());
