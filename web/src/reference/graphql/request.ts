import { httpEndpoint } from '../../shared/endpoint';
import { documentOf } from './documents';
import type { Refusal } from './types';

/** What went wrong with a whole request, as opposed to a refusal of what was asked for. */
export class RequestError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly requestId?: string,
  ) {
    super(message);
    this.name = 'RequestError';
  }
}

/** A refusal that the server explained: its messages are written for the person who asked. */
export class RefusedError extends Error {
  constructor(readonly refusals: Refusal[]) {
    super(refusals.map((refusal) => refusal.message).join(' '));
    this.name = 'RefusedError';
  }
}

interface GraphQLError {
  message: string;
  extensions?: { code?: string; requestId?: string };
}

/** Runs one operation with the session cookie. */
export async function request<Data>(operation: string, variables: Record<string, unknown> = {}): Promise<Data> {
  let response: Response;
  try {
    response = await fetch(httpEndpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json, application/json' },
      body: JSON.stringify({ query: documentOf(operation), operationName: operation, variables }),
    });
  } catch {
    throw new RequestError('UNREACHABLE', 'The server cannot be reached. Check your connection and try again.');
  }
  const answer = (await response.json().catch(() => null)) as { data?: Data; errors?: GraphQLError[] } | null;
  const problem = answer?.errors?.[0];
  if (problem) {
    const requestId = problem.extensions?.requestId ?? response.headers.get('x-request-id') ?? undefined;
    throw new RequestError(problem.extensions?.code ?? 'INTERNAL', problem.message, requestId);
  }
  if (!answer?.data) {
    const code = response.status === 401 ? 'UNAUTHENTICATED' : 'UNAVAILABLE';
    throw new RequestError(code, `The server answered ${response.status} without a result.`);
  }
  return answer.data;
}

/** Runs a mutation and returns its payload, or throws what it refused. */
export async function mutate<Payload extends { userErrors: Refusal[] }>(
  operation: string,
  input?: Record<string, unknown>,
): Promise<Payload> {
  const data = await request<Record<string, Payload>>(operation, input ? { input } : {});
  const payload = Object.values(data)[0]!;
  if (payload.userErrors.length > 0) throw new RefusedError(payload.userErrors);
  return payload;
}

/** What to tell a person about anything thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof RequestError && error.requestId) return `${error.message} (Reference: ${error.requestId})`;
  return error instanceof Error ? error.message : 'Something went wrong.';
}
