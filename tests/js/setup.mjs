// What browsers have and Node 18 does not: the global crypto.
import { webcrypto } from "node:crypto";

globalThis.crypto ??= webcrypto;
