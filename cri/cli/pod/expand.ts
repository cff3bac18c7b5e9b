/**
 * `$(NAME)` in command, args and env, as Kubernetes expands it (third_party/forked/golang/expansion): `$$` is one `$`,
 * and a reference to what is not known stays as it was written.
 */

export function expand(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replace(/\$(\$|\(([^)]*)\))/g, (whole: string, after: string, name: string | undefined) => {
    if (after === '$' || name === undefined) return '$';
    return Object.hasOwn(variables, name) ? (variables[name] ?? '') : whole;
  });
}

/** Each value may refer to those before it, as in the kubelet. */
export function expandEnv(env: readonly { readonly key: string; readonly value: string }[]): Record<string, string> {
  const known: Record<string, string> = {};
  for (const { key, value } of env) known[key] = expand(value, known);
  return known;
}
