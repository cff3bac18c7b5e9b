/** All bad requests. `docs/api.md` names fields as refused: each of them has a row here that shows it. */

import { CONTAINER_ROWS } from './container-rows.js';
import { FIELD_ROWS } from './field-rows.js';
import { IMAGE_ROWS } from './image-rows.js';
import { POD_ROWS } from './pod-rows.js';
import type { Row } from './row.js';
import { WIRE_ROWS } from './wire-rows.js';

export const ROWS: readonly Row[] = [...WIRE_ROWS, ...FIELD_ROWS, ...POD_ROWS, ...CONTAINER_ROWS, ...IMAGE_ROWS];
