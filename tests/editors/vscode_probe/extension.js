// Answers questions about the window it is in, over a socket; and plays what else a person has in their editor: a linter,
// another language's server, a language model. It does nothing to the window: whatever a story does, it does by the mouse and the keyboard.
//
// The socket is $COPYDESK_PROBE/FOLDER.sock, where FOLDER is the name of the window's first folder.
const fs = require("node:fs");
const http = require("node:http");
const path = require("node:path");
const vscode = require("vscode");

const asked = [];

function documentOf(document) {
  return {
    uri: document.uri.toString(true),
    text: document.getText(),
    version: document.version,
    dirty: document.isDirty,
    closed: document.isClosed,
  };
}

function tabOf(tab, group) {
  const input = tab.input ?? {};
  return {
    label: tab.label,
    active: tab.isActive && group.isActive,
    dirty: tab.isDirty,
    uri: input.uri?.toString(true) ?? null,
    original: input.original?.toString(true) ?? null,
    modified: input.modified?.toString(true) ?? null,
    viewType: input.viewType ?? null,
  };
}

const answers = {
  documents: () => vscode.workspace.textDocuments.map(documentOf),
  active: () => (vscode.window.activeTextEditor ? documentOf(vscode.window.activeTextEditor.document) : null),
  cursor: () => vscode.window.activeTextEditor?.selection.active ?? null,
  tabs: () => vscode.window.tabGroups.all.flatMap((group) => group.tabs.map((tab) => tabOf(tab, group))),
  commands: () => vscode.commands.getCommands(true),
  trusted: () => vscode.workspace.isTrusted,
  extension: () => {
    const found = vscode.extensions.all.find((one) => one.id.toLowerCase().endsWith(".copydesk"));
    return found ? { id: found.id, active: found.isActive, path: found.extensionPath } : null;
  },
  setting: (name) => vscode.workspace.getConfiguration().get(name) ?? null,
  diagnostics: () =>
    vscode.languages.getDiagnostics().flatMap(([uri, found]) =>
      found.map((one) => ({ uri: uri.toString(true), line: one.range.start.line, message: one.message, source: one.source })),
    ),
  models: async () => (await vscode.lm.selectChatModels({})).map((model) => `${model.vendor}/${model.id}`),
  asked: () => asked,
};

/** What jedi cannot know: in plain text, every word is defined in the first line of a.py. */
const definitions = {
  provideDefinition(document, position) {
    asked.push({ what: "definition", uri: document.uri.toString(true), line: position.line });
    const folder = vscode.workspace.workspaceFolders[0].uri;
    return new vscode.Location(vscode.Uri.joinPath(folder, "a.py"), new vscode.Position(3, 4));
  },
};

const model = {
  provideLanguageModelChatInformation() {
    return [
      {
        id: "parrot",
        name: "Parrot",
        family: "parrot",
        version: "1",
        maxInputTokens: 100000,
        maxOutputTokens: 10000,
        capabilities: { toolCalling: true },
      },
    ];
  },
  async provideLanguageModelChatResponse(_model, messages, options, progress) {
    asked.push({ what: "model", messages: messages.length, tools: (options.tools ?? []).map((tool) => tool.name) });
    progress.report(new vscode.LanguageModelTextPart("Said by "));
    progress.report(new vscode.LanguageModelTextPart("the editor's model."));
  },
  async provideTokenCount(_model, text) {
    return JSON.stringify(text).length;
  },
};

/** A linter, as people have one: knows one rule, of Python's imports. */
function lint(document, found) {
  if (document.languageId !== "python") return;
  const text = document.getText();
  const problems = [...text.matchAll(/^import (\w+)$/gm)]
    .filter(([, name]) => text.split(new RegExp(`\\b${name}\\b`)).length === 2)
    .map((match) => {
      const start = document.positionAt(match.index + "import ".length);
      const range = new vscode.Range(start, start.translate(0, match[1].length));
      const problem = new vscode.Diagnostic(range, `\`${match[1]}\` imported but unused`, 1);
      return Object.assign(problem, { source: "Linter", code: "F401" });
    });
  found.set(document.uri, problems);
}

exports.activate = function activate(context) {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? "none";
  const socket = path.join(process.env.COPYDESK_PROBE, `${path.basename(folder)}.sock`);
  fs.rmSync(socket, { force: true });
  const server = http.createServer(async (request, response) => {
    const [, question, argument] = decodeURIComponent(request.url).split("/");
    try {
      const answer = await answers[question](argument);
      response.end(JSON.stringify({ answer }));
    } catch (error) {
      response.end(JSON.stringify({ error: String(error) }));
    }
  });
  server.listen(socket);
  context.subscriptions.push({ dispose: () => server.close() });
  context.subscriptions.push(vscode.languages.registerDefinitionProvider("plaintext", definitions));
  const found = vscode.languages.createDiagnosticCollection("linter");
  vscode.workspace.textDocuments.forEach((document) => lint(document, found));
  context.subscriptions.push(
    found,
    vscode.workspace.onDidOpenTextDocument((document) => lint(document, found)),
    vscode.workspace.onDidChangeTextDocument((change) => lint(change.document, found)),
  );
  if (process.env.COPYDESK_PROBE_MODEL) {
    context.subscriptions.push(vscode.lm.registerLanguageModelChatProvider("probe", model));
  }
};
