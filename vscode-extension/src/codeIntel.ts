/**
 * `copydesk/editor/codeIntel`: what the editor's other language servers know, by VS Code's built-in commands.
 *
 * Owns no knowledge of code. Copydesk's own hover is kept out of the answers: `isAsked` tells the client when to be
 * silent, or the server would be asked what it asks. Start with `serveCodeIntel`.
 */
import * as vscode from "vscode";
import * as shapes from "./lspShapes";
import { type Fields, fields, number, text } from "./reading";
import type { Server } from "./server";

/** The server gives us 2 s; an answer after that is thrown away. */
const LIMIT_MS = 1_800;

const asked = new Map<string, number>();

/** Whether the editor's hover there is being asked for by us. */
export function isAsked(uri: vscode.Uri, at: vscode.Position): boolean {
  return asked.has(key(uri, at));
}

function key(uri: vscode.Uri, { line, character }: vscode.Position): string {
  return `${uri.toString()}#${line}:${character}`;
}

export function serveCodeIntel(server: Server): vscode.Disposable {
  return server.onRequest("copydesk/editor/codeIntel", (params: unknown) => limited(answer(server, fields(params))));
}

async function answer(server: Server, params: Fields): Promise<unknown> {
  const spell = (uri: vscode.Uri): string => server.fromUri(uri);
  const uri = text(params.uri) ? server.toUri(text(params.uri)) : undefined;
  switch (params.action) {
    case "symbols":
      return uri ? symbolsOf(uri, spell) : symbolsNamed(text(params.query), spell);
    case "diagnostics": {
      const found = uri ? [[uri, vscode.languages.getDiagnostics(uri)] as const] : vscode.languages.getDiagnostics();
      return shapes.diagnostics(found, spell);
    }
    default:
      if (uri) return atPosition(text(params.action), uri, positionOf(params.position), spell);
      throw new Error("copydesk/editor/codeIntel needs a uri.");
  }
}

async function atPosition(
  action: string,
  uri: vscode.Uri,
  at: vscode.Position,
  spell: (uri: vscode.Uri) => string,
): Promise<unknown> {
  switch (action) {
    case "definition":
      return shapes.locations(
        await ask<vscode.Location | vscode.LocationLink>("vscode.executeDefinitionProvider", uri, at),
        spell,
      );
    case "references":
      return shapes.locations(await ask<vscode.Location>("vscode.executeReferenceProvider", uri, at), spell);
    case "hover":
      return hoverAt(uri, at);
    default:
      throw new Error(`copydesk/editor/codeIntel knows no action ${action}.`);
  }
}

async function hoverAt(uri: vscode.Uri, at: vscode.Position): Promise<unknown> {
  const place = key(uri, at);
  asked.set(place, (asked.get(place) ?? 0) + 1);
  try {
    return shapes.hover(await ask<vscode.Hover>("vscode.executeHoverProvider", uri, at));
  } finally {
    const left = (asked.get(place) ?? 1) - 1;
    if (left) asked.set(place, left);
    else asked.delete(place);
  }
}

async function symbolsOf(uri: vscode.Uri, spell: (uri: vscode.Uri) => string): Promise<unknown> {
  type Found = vscode.DocumentSymbol | vscode.SymbolInformation;
  const found = await ask<Found>("vscode.executeDocumentSymbolProvider", uri);
  const trees = found.filter((each): each is vscode.DocumentSymbol => "children" in each);
  if (trees.length) return shapes.documentSymbols(trees);
  return shapes.symbolInformation(found as vscode.SymbolInformation[], spell);
}

async function symbolsNamed(query: string, spell: (uri: vscode.Uri) => string): Promise<unknown> {
  const found = await ask<vscode.SymbolInformation>("vscode.executeWorkspaceSymbolProvider", query);
  return shapes.symbolInformation(found, spell);
}

async function ask<T>(command: string, ...given: unknown[]): Promise<T[]> {
  return (await vscode.commands.executeCommand<T[] | undefined>(command, ...given)) ?? [];
}

function positionOf(given: unknown): vscode.Position {
  const { line, character } = fields(given);
  return new vscode.Position(Math.max(0, number(line)), Math.max(0, number(character)));
}

async function limited<T>(work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`The editor's language servers did not answer within ${LIMIT_MS} ms.`));
    }, LIMIT_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
