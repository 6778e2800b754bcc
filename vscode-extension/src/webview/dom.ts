/** Making elements. Text goes in as text, never as HTML. */

type Child = Node | string | null | undefined | false;

interface Options {
  readonly class?: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly click?: () => void;
}

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  options: Options = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (options.class) made.className = options.class;
  for (const [name, value] of Object.entries(options.attributes ?? {})) made.setAttribute(name, value);
  if (options.click) made.addEventListener("click", options.click);
  made.append(...children.filter((child): child is Node | string => Boolean(child)));
  return made;
}

export function button(
  label: string,
  click: () => void,
  kind = "",
  attributes: Record<string, string> = {},
): HTMLButtonElement {
  return element("button", { class: kind, attributes: { type: "button", ...attributes }, click }, label);
}

export function byId<K extends keyof HTMLElementTagNameMap>(id: string, tag: K): HTMLElementTagNameMap[K] {
  const found = document.querySelector<HTMLElementTagNameMap[K]>(`${tag}#${id}`);
  if (!found) throw new Error(`The page has no ${tag}#${id}.`);
  return found;
}

/** Replaces the children only where they would differ, so that the focus stays where nothing has changed. */
export function fill(parent: HTMLElement, key: string, make: () => readonly Node[]): void {
  if (parent.dataset.key === key) return;
  parent.dataset.key = key;
  const focused = parent.contains(document.activeElement) ? document.activeElement?.textContent : null;
  parent.replaceChildren(...make());
  if (focused === null) return;
  const buttons = [...parent.querySelectorAll("button")];
  (buttons.find((each) => each.textContent === focused) ?? buttons[0])?.focus();
}
