/**
 * The editor's answers about code in the shapes of LSP, cut to a size that a model can read. Pure: the editor's objects
 * are taken by their fields, so that this can be tested without an editor.
 *
 * VS Code counts columns in UTF-16, and so does the wire to it.
 */

export const MAX_PLACES = 500;
export const MAX_SYMBOLS = 2_000;
export const MAX_HOVER = 20_000;
export const MAX_DIAGNOSTICS = 2_000;

export interface PositionLike {
  readonly line: number;
  readonly character: number;
}

export interface RangeLike {
  readonly start: PositionLike;
  readonly end: PositionLike;
}

interface LocationLike<U> {
  readonly uri: U;
  readonly range: RangeLike;
}

interface LinkLike<U> {
  readonly targetUri: U;
  readonly targetRange: RangeLike;
  readonly targetSelectionRange?: RangeLike | undefined;
}

interface SymbolLike {
  readonly name: string;
  readonly detail?: string;
  readonly kind: number;
  readonly range: RangeLike;
  readonly selectionRange: RangeLike;
  readonly children: readonly SymbolLike[];
}

interface SymbolInformationLike<U> {
  readonly name: string;
  readonly kind: number;
  readonly containerName: string;
  readonly location: LocationLike<U>;
}

interface DiagnosticLike {
  readonly range: RangeLike;
  readonly message: string;
  readonly severity: number;
  readonly source?: string | undefined;
  readonly code?: string | number | { readonly value: string | number } | undefined;
}

type Spell<U> = (uri: U) => string;

export function range({ start, end }: RangeLike): object {
  return { start: position(start), end: position(end) };
}

function position({ line, character }: PositionLike): object {
  return { line, character };
}

export function locations<U>(found: readonly (LocationLike<U> | LinkLike<U>)[], spell: Spell<U>): object[] {
  return found
    .slice(0, MAX_PLACES)
    .map((each) =>
      "targetUri" in each
        ? { uri: spell(each.targetUri), range: range(each.targetSelectionRange ?? each.targetRange) }
        : { uri: spell(each.uri), range: range(each.range) },
    );
}

/** Hovers of all servers as one; null when none says anything. */
export function hover(found: readonly { readonly contents: readonly unknown[] }[]): object | null {
  const parts = found
    .flatMap((each) => each.contents)
    .map(markdown)
    .filter((part) => part.trim());
  if (!parts.length) return null;
  return { contents: { kind: "markdown", value: parts.join("\n\n---\n\n").slice(0, MAX_HOVER) } };
}

function markdown(content: unknown): string {
  if (typeof content === "string") return content;
  const { value, language } = content as { value?: unknown; language?: unknown };
  if (typeof value !== "string") return "";
  return typeof language === "string" ? `\`\`\`${language}\n${value}\n\`\`\`` : value;
}

/** LSP numbers the kinds of symbols from 1, VS Code from 0. */
export function documentSymbols(found: readonly SymbolLike[]): object[] {
  let left = MAX_SYMBOLS;
  const convert = (each: SymbolLike): object[] => {
    if (left-- <= 0) return [];
    const { name, kind, children } = each;
    const symbol = { name, kind: kind + 1, range: range(each.range), selectionRange: range(each.selectionRange) };
    const detail = each.detail ? { detail: each.detail } : {};
    return [{ ...symbol, ...detail, children: children.flatMap(convert) }];
  };
  return found.flatMap(convert);
}

export function symbolInformation<U>(found: readonly SymbolInformationLike<U>[], spell: Spell<U>): object[] {
  return found.slice(0, MAX_SYMBOLS).map(({ name, kind, containerName, location }) => ({
    name,
    kind: kind + 1,
    ...(containerName ? { containerName } : {}),
    location: { uri: spell(location.uri), range: range(location.range) },
  }));
}

/** LSP numbers severities from 1, VS Code from 0. Our own hints are no problems. */
export function diagnostics<U>(found: readonly (readonly [U, readonly DiagnosticLike[]])[], spell: Spell<U>): object[] {
  let left = MAX_DIAGNOSTICS;
  return found.flatMap(([uri, all]) => {
    const theirs = all.filter((each) => each.source !== "copydesk").slice(0, left);
    left -= theirs.length;
    return theirs.length ? [{ uri: spell(uri), diagnostics: theirs.map(diagnostic) }] : [];
  });
}

function diagnostic({ range: at, message, severity, source, code }: DiagnosticLike): object {
  const value = typeof code === "object" ? code.value : code;
  return {
    range: range(at),
    message,
    severity: severity + 1,
    ...(source === undefined ? {} : { source }),
    ...(value === undefined ? {} : { code: value }),
  };
}
