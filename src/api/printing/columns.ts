import type { KubeObject } from "../../apimachinery/object.ts";
import type { Cell, Column } from "../resource.ts";
import { ageOf } from "./age.ts";

type CellOf<T> = (object: T, nowMs: number) => Cell;

/** What `kubectl get` shows always. */
export const text = <T>(name: string, cell: CellOf<T>): Column<T> => ({ name, type: "string", priority: 0, cell });
export const integer = <T>(name: string, cell: CellOf<T>): Column<T> => ({ name, type: "integer", priority: 0, cell });
export const yesNo = <T>(name: string, cell: CellOf<T>): Column<T> => ({ name, type: "boolean", priority: 0, cell });
/** What it shows with `-o wide`. */
export const wide = <T>(name: string, cell: CellOf<T>): Column<T> => ({ name, type: "string", priority: 1, cell });

/** The first column of nearly every kind. */
export const nameColumn: Column<KubeObject> = { name: "Name", type: "string", format: "name", priority: 0, cell: ({ metadata }) => metadata.name ?? "" };
/** A name column that says more than the name. */
export const nameAs = <T>(cell: CellOf<T>): Column<T> => ({ name: "Name", type: "string", format: "name", priority: 0, cell });
/** Age is computed by the server, against one clock, and sent as text. */
export const ageColumn: Column<KubeObject> = text("Age", ({ metadata }, nowMs) => ageOf(metadata.creationTimestamp, nowMs));
