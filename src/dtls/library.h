/*
 * A library context of OpenSSL's that has those algorithms alone that an association may come to need.
 *
 * OpenSSL 3.0 goes through all that it has, three hundred algorithms, for each certificate that it reads; that was a
 * third of a handshake. Here it finds thirty, out of its own default provider.
 */
#ifndef SOTTO_DTLS_LIBRARY_H
#define SOTTO_DTLS_LIBRARY_H

/*
 * The one of this process, made at the first call and kept as OpenSSL keeps its own; any number of threads may use it.
 * NULL: OpenSSL's own, where that is quick enough by itself (from 3.2 on), where somebody has configured OpenSSL to
 * use other algorithms than its default ones, or where the other can't be made.
 */
struct ossl_lib_ctx_st *so_dtls_library(void);

#endif
