import { createSinkHttp } from '../http/sink-http.ts';

/** Requests of sinks as they are really made; to addresses, as no name is looked up. */
export const { http: plainHttp } = createSinkHttp({
  resolve: (name) => Promise.reject(new Error(`no name is to be looked up, least of all ${name}`)),
});
