// RDF/XML to triples: the syntax most ontologies were published in. pugixml reads the XML, as a
// whole: for vocabularies, not for dumps.
//
//   read_rdfxml(bytes, {.base = "http://a/b"}, on_triple);
//
// W3C "RDF 1.1 XML Syntax": typed nodes, property elements and attributes, parseType Resource,
// Collection and Literal, rdf:li, rdf:ID with reification, xml:base and xml:lang, entities of the
// document type (one level, as ontologies use them). Errors: Error(kCorruptData) naming the element
// or the byte.
#pragma once

#include <string>
#include <string_view>

#include "ground/kg/rdf_reader.h"

namespace ondol::ground {

void read_rdfxml(std::string_view bytes, const RdfOptions& options, const OnTriple& on_triple);

// `relative` seen from `base` (RFC 3986, by serd).
std::string resolve_iri(const std::string& relative, const std::string& base);

}  // namespace ondol::ground
