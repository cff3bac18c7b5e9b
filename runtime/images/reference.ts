/**
 * Image references by the distribution reference grammar (github.com/distribution/reference):
 *
 *   reference := name [":" tag] ["@" digest]
 *   name      := [domain "/"] path-component ["/" path-component]*
 */

import { CribError } from '../errors.js';
import type { Reference } from './registry-types.js';

const DEFAULT_DOMAIN = 'docker.io';
/** What Docker called its registry before; a reference that names it means docker.io. */
const LEGACY_DEFAULT_DOMAIN = 'index.docker.io';
const OFFICIAL_PREFIX = 'library/';
const DEFAULT_TAG = 'latest';
const MAX_NAME = 255;
const MAX_TAG = 128;
/** The longest name, tag and sha512 digest with their separators; longer input is not even looked at. */
const MAX_REFERENCE = MAX_NAME + 1 + MAX_TAG + 1 + 'sha512:'.length + 128;

const COMPONENT = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const DOMAIN = new RegExp(`^(?:${COMPONENT}(?:\\.${COMPONENT})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?$`);
const PATH_COMPONENT = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/;
const IDENTIFIER = /^[a-f0-9]{64}$/;
const DIGEST_LENGTHS: Readonly<Record<string, number>> = { sha256: 64, sha512: 128 };

/** Whether `text` is a digest that crib can verify: sha256 or sha512 in lower-case hexadecimal. */
export function isDigest(text: string): boolean {
  return digestProblem(text) === undefined;
}

/**
 * Parses and normalises: `busybox` is `docker.io/library/busybox:latest`. The tag `latest` is added only where there
 * is neither tag nor digest. Throws INVALID_ARGUMENT with the reason.
 */
export function parseReference(text: string): Reference {
  if (text === '') throw invalid(text, 'it is empty');
  if (text.length > MAX_REFERENCE) throw invalid(text, `it is longer than ${MAX_REFERENCE} characters`);
  if (IDENTIFIER.test(text)) throw invalid(text, 'a name of 64 hexadecimal digits cannot be told from an image id');

  const { name, tag, digest } = splitSuffixes(text);
  const { domain, path } = splitDomain(name);
  const problem =
    nameProblem(domain, path) ?? tagProblem(tag) ?? (digest === undefined ? digest : digestProblem(digest));
  if (problem !== undefined) throw invalid(text, problem);
  return { domain, path, tag: tag ?? (digest === undefined ? DEFAULT_TAG : undefined), digest };
}

/** The canonical text: `docker.io/library/busybox:1.36@sha256:…` with the parts that the reference has. */
export function formatReference(reference: Reference): string {
  const tag = reference.tag === undefined ? '' : `:${reference.tag}`;
  const digest = reference.digest === undefined ? '' : `@${reference.digest}`;
  return `${repositoryName(reference)}${tag}${digest}`;
}

/** `docker.io/library/busybox`. */
export function repositoryName(reference: Reference): string {
  return `${reference.domain}/${reference.path}`;
}

/** The name that an image has by its tag (CRI Image.repo_tags), or undefined when the reference has none. */
export function tagReference(reference: Reference): string | undefined {
  return reference.tag === undefined ? undefined : `${repositoryName(reference)}:${reference.tag}`;
}

/** The name that an image has by the digest of its manifest or index (CRI Image.repo_digests). */
export function digestReference(reference: Reference, digest: string): string {
  return `${repositoryName(reference)}@${digest}`;
}

/** A colon before the last slash belongs to the domain's port, one after it begins the tag. */
function splitSuffixes(text: string): { name: string; tag: string | undefined; digest: string | undefined } {
  const at = text.indexOf('@');
  const digest = at < 0 ? undefined : text.slice(at + 1);
  const named = at < 0 ? text : text.slice(0, at);
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1);
  return {
    name: colon < 0 ? named : named.slice(0, colon),
    tag: colon < 0 ? undefined : named.slice(colon + 1),
    digest,
  };
}

/** The first part is a domain when it cannot be a path component of docker.io, or is `localhost`. */
function splitDomain(name: string): { domain: string; path: string } {
  const slash = name.indexOf('/');
  if (slash < 0) return { domain: DEFAULT_DOMAIN, path: OFFICIAL_PREFIX + name };
  const first = name.slice(0, slash);
  const isDomain = first === 'localhost' || /[.:]/.test(first) || first !== first.toLowerCase();
  const domain = !isDomain || first === LEGACY_DEFAULT_DOMAIN ? DEFAULT_DOMAIN : first;
  const path = isDomain ? name.slice(slash + 1) : name;
  return { domain, path: domain === DEFAULT_DOMAIN && !path.includes('/') ? OFFICIAL_PREFIX + path : path };
}

function nameProblem(domain: string, path: string): string | undefined {
  if (!DOMAIN.test(domain)) return `${JSON.stringify(domain)} is not a registry host`;
  if (domain.length + 1 + path.length > MAX_NAME) return `its name is longer than ${MAX_NAME} characters`;
  for (const component of path.split('/')) {
    if (component === '') return 'a part of its repository name is empty';
    if (component !== component.toLowerCase()) return 'a repository name is lower case';
    if (!PATH_COMPONENT.test(component)) {
      return `${JSON.stringify(component)} is not letters and digits separated by ".", "_", "__" or dashes`;
    }
  }
  return undefined;
}

function tagProblem(tag: string | undefined): string | undefined {
  if (tag === undefined) return undefined;
  if (tag === '') return 'its tag is empty';
  if (tag.length > MAX_TAG) return `its tag is longer than ${MAX_TAG} characters`;
  if (!TAG.test(tag))
    return `${JSON.stringify(tag)} is not a tag: letters, digits, "_", "." and "-", not beginning with "." or "-"`;
  return undefined;
}

function digestProblem(digest: string): string | undefined {
  const colon = digest.indexOf(':');
  const algorithm = colon < 0 ? '' : digest.slice(0, colon);
  const length = Object.hasOwn(DIGEST_LENGTHS, algorithm) ? DIGEST_LENGTHS[algorithm] : undefined;
  if (length === undefined) return 'its digest is neither sha256:… nor sha512:…';
  const hex = digest.slice(colon + 1);
  if (hex.length !== length || !/^[a-f0-9]+$/.test(hex)) {
    return `a ${algorithm} digest is ${length} lower-case hexadecimal digits`;
  }
  return undefined;
}

function invalid(text: string, reason: string): CribError {
  const shown = text.length > 120 ? `${text.slice(0, 120)}…` : text;
  return new CribError('INVALID_ARGUMENT', `image reference ${JSON.stringify(shown)}: ${reason}`);
}
