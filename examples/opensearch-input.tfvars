# From an OpenSearch index, with endpoint and registration.
model_name            = "product-search"
input_type            = "opensearch"
opensearch_endpoint   = "https://search-products-abc123.us-east-1.es.amazonaws.com"
opensearch_index_name = "products"
text_field_names      = "title,text"
