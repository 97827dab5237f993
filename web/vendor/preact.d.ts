//! Types of the exports of `preact.js` that the page uses. It does not describe the rest of Preact.

/** What a component returns and `html` builds. */
export type Node = unknown;
/** A component: properties in, nodes out. */
export type View<P> = (props: P) => Node;

export function html(strings: TemplateStringsArray, ...values: unknown[]): Node;
export function render(node: Node, parent: Element): void;
export function useState<S>(initial: S): [S, (next: S | ((before: S) => S)) => void];
export function useEffect(effect: () => void | (() => void), keys?: unknown[]): void;
export function useRef<T>(initial: T): { current: T };
export function useErrorBoundary(report?: (error: unknown) => void): [unknown, () => void];
