/** Keys of model providers: kept in the editor's secret storage, given to the server as variables, never shown. */
import * as vscode from "vscode";
import type { Environment } from "./start/environment";

interface Provider {
  readonly label: string;
  readonly variable: string;
}

const PROVIDERS: readonly Provider[] = [
  { label: "OpenAI", variable: "OPENAI_API_KEY" },
  { label: "Anthropic", variable: "ANTHROPIC_API_KEY" },
  { label: "Gemini", variable: "GEMINI_API_KEY" },
  { label: "DeepSeek", variable: "DEEPSEEK_API_KEY" },
  { label: "Another OpenAI-compatible server", variable: "COMPAT_API_KEY" },
  { label: "Ollama", variable: "OLLAMA_API_KEY" },
];

export class Keys {
  constructor(private readonly storage: vscode.SecretStorage) {}

  /** The stored keys by the names of their variables. */
  async environment(): Promise<Environment> {
    const found: Environment = {};
    for (const { variable } of PROVIDERS) {
      const key = await this.storage.get(name(variable));
      if (key) found[variable] = key;
    }
    return found;
  }

  /** Asks for a provider, unless one is named, and its key; its label, or undefined: they thought better of it. */
  async set(named?: unknown): Promise<string | undefined> {
    const known = PROVIDERS.find(({ variable }) => variable === `${String(named).toUpperCase()}_API_KEY`);
    const provider = known ?? (await this.pick("Set API Key: for which provider?", PROVIDERS));
    if (provider === undefined) return undefined;
    const key = await vscode.window.showInputBox({
      title: `API Key for ${provider.label}`,
      prompt: "Kept in the editor's secret storage and given only to the server.",
      password: true,
      ignoreFocusOut: true,
      validateInput: (value) => (/\s/.test(value.trim()) ? "A key has no spaces in it." : undefined),
    });
    if (!key?.trim()) return undefined;
    await this.storage.store(name(provider.variable), key.trim());
    return provider.label;
  }

  /** Asks which key to forget; its provider's label. */
  async clear(): Promise<string | undefined> {
    const stored = await this.environment();
    const choices = PROVIDERS.filter(({ variable }) => variable in stored);
    if (choices.length === 0) {
      void vscode.window.showInformationMessage("No API key is stored. Keys in the environment are not kept here.");
      return undefined;
    }
    const provider = await this.pick("Clear API Key: of which provider?", choices);
    if (provider === undefined) return undefined;
    await this.storage.delete(name(provider.variable));
    return provider.label;
  }

  private async pick(title: string, providers: readonly Provider[]): Promise<Provider | undefined> {
    const stored = await this.environment();
    const items = providers.map((provider) => ({
      label: provider.label,
      description: described(provider.variable, stored),
      provider,
    }));
    return (await vscode.window.showQuickPick(items, { title }))?.provider;
  }
}

function described(variable: string, stored: Environment): string {
  if (variable in stored) return "a key is stored";
  return process.env[variable] ? "a key is in the environment" : "";
}

function name(variable: string): string {
  return `copydesk.key.${variable}`;
}
