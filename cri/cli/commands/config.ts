/** `crib config`: the configuration that `crib serve` would have. */

import { stringify } from 'smol-toml';
import { CONFIG_KEYS, type Config, loadConfig } from '../config.js';
import { volumePolicyTable } from '../config-volumes.js';
import type { Invocation } from '../invocation.js';
import { toJson } from '../output.js';

export async function config(invocation: Invocation): Promise<void> {
  const tree = configTree(await loadConfig(invocation.configFile, {}));
  process.stdout.write(invocation.json ? `${toJson(tree)}\n` : stringify(tree));
}

type Tree = { [key: string]: string | string[] | number | Tree };

/** The tables of the TOML file that would give `config`. */
export function configTree(config: Config): Tree {
  const tree: Tree = {};
  for (const [name, field] of Object.entries(CONFIG_KEYS)) {
    const parts = name.split('.');
    const key = parts.pop() ?? name;
    const value = config[field];
    tableAt(tree, parts)[key] = typeof value === 'string' ? value : [...value];
  }
  for (const [handler, policy] of Object.entries(config.volumePolicies)) {
    tableAt(tree, ['volumes'])[handler] = volumePolicyTable(policy);
  }
  return tree;
}

function tableAt(tree: Tree, path: readonly string[]): Tree {
  let table = tree;
  for (const part of path) {
    const there = table[part];
    const next: Tree = typeof there === 'object' && !Array.isArray(there) ? there : {};
    table[part] = next;
    table = next;
  }
  return table;
}
