//! `#[derive(Config)]`.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, Data, DeriveInput, Error, Expr, ExprLit, ExprUnary, Fields, Lit, LitStr, Result, UnOp};

use crate::names::{documentation, lower_camel_case};

pub(crate) fn expand(item: TokenStream) -> Result<TokenStream> {
    let item: DeriveInput = syn::parse2(item)?;
    if let Some(parameter) = item.generics.params.first() {
        return Err(Error::new(
            parameter.span(),
            "a config type has no generic parameters: its schema is one constant",
        ));
    }
    if let Some(attribute) = item.attrs.iter().find(|attribute| attribute.path().is_ident("config")) {
        return Err(Error::new(attribute.span(), "`config` attributes belong to fields and variants"));
    }
    match &item.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => expand_struct(&item, fields),
            fields => Err(Error::new(
                if fields.is_empty() { item.ident.span() } else { fields.span() },
                "a config struct has named fields: they are the keys; write `struct Settings {}` for none",
            )),
        },
        Data::Enum(data) => expand_enum(&item, data),
        Data::Union(data) => Err(Error::new(data.union_token.span, "`Config` is derived for structs and enums")),
    }
}

/// What `#[config(...)]` says on a field or variant.
#[derive(Default)]
struct Options {
    rename: Option<LitStr>,
    /// `default` alone, or with an expression.
    default: Option<Option<Expr>>,
    min: Option<Expr>,
    max: Option<Expr>,
    pattern: Option<LitStr>,
    check: Option<syn::Path>,
}

impl Options {
    fn of_field(attributes: &[Attribute]) -> Result<Self> {
        let mut options = Options::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("config")) {
            attribute.parse_nested_meta(|meta| {
                let twice = || meta.error("this option is given twice");
                if meta.path.is_ident("rename") {
                    refuse_if(options.rename.is_some(), twice)?;
                    options.rename = Some(meta.value()?.parse()?);
                } else if meta.path.is_ident("default") {
                    refuse_if(options.default.is_some(), twice)?;
                    options.default =
                        Some(if meta.input.peek(syn::Token![=]) { Some(meta.value()?.parse()?) } else { None });
                } else if meta.path.is_ident("min") {
                    refuse_if(options.min.is_some(), twice)?;
                    options.min = Some(meta.value()?.parse()?);
                } else if meta.path.is_ident("max") {
                    refuse_if(options.max.is_some(), twice)?;
                    options.max = Some(meta.value()?.parse()?);
                } else if meta.path.is_ident("pattern") {
                    refuse_if(options.pattern.is_some(), twice)?;
                    options.pattern = Some(meta.value()?.parse()?);
                } else if meta.path.is_ident("check") {
                    refuse_if(options.check.is_some(), twice)?;
                    options.check = Some(meta.value()?.parse()?);
                } else {
                    return Err(meta.error("unknown option; known: default, rename, min, max, pattern, check"));
                }
                Ok(())
            })?;
        }
        Ok(options)
    }

    fn of_variant(attributes: &[Attribute]) -> Result<Option<LitStr>> {
        let mut rename = None;
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("config")) {
            attribute.parse_nested_meta(|meta| {
                if !meta.path.is_ident("rename") {
                    return Err(meta.error("unknown option; a variant knows only `rename = \"word\"`"));
                }
                rename = Some(meta.value()?.parse()?);
                Ok(())
            })?;
        }
        Ok(rename)
    }
}

fn refuse_if(condition: bool, error: impl FnOnce() -> Error) -> Result<()> {
    if condition { Err(error()) } else { Ok(()) }
}

fn expand_struct(item: &DeriveInput, fields: &syn::FieldsNamed) -> Result<TokenStream> {
    let name = &item.ident;
    let mut schemas = Vec::new();
    let mut reads = Vec::new();
    let mut identifiers = Vec::new();
    let mut types = Vec::new();
    let mut keys: Vec<String> = Vec::new();
    for field in &fields.named {
        let options = Options::of_field(&field.attrs)?;
        let identifier = field.ident.as_ref().ok_or_else(|| Error::new(field.span(), "a config field has a name"))?;
        let key = match &options.rename {
            Some(literal) => literal.value(),
            None => lower_camel_case(&identifier.to_string()),
        };
        if keys.contains(&key) {
            return Err(Error::new(identifier.span(), format!("another field has the key `{key}` already")));
        }
        let ty = &field.ty;
        let doc = documentation(&field.attrs);

        let mut schema = quote!(<#ty as ::windlass_pdk::Config>::SCHEMA);
        let mut checks = TokenStream::new();
        if options.min.is_some() || options.max.is_some() {
            let bound = |bound: &Option<Expr>| match bound {
                Some(bound) => quote!(::core::option::Option::Some(#bound)),
                None => quote!(::core::option::Option::None),
            };
            let (min, max) = (bound(&options.min), bound(&options.max));
            // The compiler refuses bounds on other types; let it point at them.
            let place = options.min.as_ref().or(options.max.as_ref()).map_or(ty.span(), Spanned::span);
            schema = quote_spanned!(place=> <#ty as ::windlass_pdk::Config>::SCHEMA.with_bounds(#min, #max));
            checks.extend(quote!(reader.check_bounds(#key, &const { #schema })?;));
        }
        if let Some(pattern) = &options.pattern {
            schema = quote_spanned!(pattern.span()=> <#ty as ::windlass_pdk::Config>::SCHEMA.with_pattern(#pattern));
            checks.extend(quote!(reader.check_pattern(#key, #pattern)?;));
        }

        let default_json = match &options.default {
            None => quote!(::core::option::Option::None),
            Some(None) => quote!(<#ty as ::windlass_pdk::Config>::DEFAULT),
            Some(Some(expression)) => match json_of_literal(expression) {
                Some(json) => quote!(::core::option::Option::Some(#json)),
                None => quote!(::core::option::Option::None),
            },
        };
        let read = match &options.default {
            None => quote!(reader.required::<#ty>(#key)?),
            Some(None) => quote!(reader.optional::<#ty>(#key, <#ty as ::core::default::Default>::default)?),
            Some(Some(expression)) => {
                // A string literal is what people write for a `String`.
                let expression = match expression {
                    Expr::Lit(ExprLit { lit: Lit::Str(_), .. }) => quote!(::core::convert::Into::into(#expression)),
                    other => other.to_token_stream(),
                };
                quote!(reader.optional::<#ty>(#key, || #expression)?)
            }
        };
        let check = options.check.as_ref().map(|check| {
            quote! {
                let checked: ::core::result::Result<(), ::windlass_pdk::ConfigError> = #check(&#identifier);
                checked.map_err(|error| error.under(#key))?;
            }
        });
        // A field of type `Option` is not required, whatever path the type is written with: the type itself knows.
        let required = match options.default {
            Some(_) => quote!(false),
            None if is_option(ty) => quote!(false),
            None => quote!(true),
        };
        schemas.push(quote! {
            ::windlass_pdk::config::schema::Field {
                name: #key,
                doc: #doc,
                schema: #schema,
                required: #required,
                default: #default_json,
            }
        });
        reads.push(quote! {
            #checks
            let #identifier = #read;
            #check
        });
        identifiers.push(identifier);
        types.push(ty);
        keys.push(key);
    }
    Ok(quote! {
        #[automatically_derived]
        impl ::windlass_pdk::Config for #name {
            const SCHEMA: ::windlass_pdk::config::Schema = ::windlass_pdk::config::Schema::Object(&[#(#schemas),*]);
            const KEYS: &'static [::windlass_pdk::config::Key] = &[#(
                ::windlass_pdk::config::Key { name: #keys, is_text: <#types as ::windlass_pdk::Config>::SCHEMA.is_text() }
            ),*];

            fn read(value: ::windlass_pdk::Value) -> ::core::result::Result<Self, ::windlass_pdk::ConfigError> {
                #[allow(unused_mut)]
                let mut reader = ::windlass_pdk::config::Reader::new(value, <Self as ::windlass_pdk::Config>::KEYS)?;
                #(#reads)*
                ::core::result::Result::Ok(Self { #(#identifiers),* })
            }
        }
    })
}

fn expand_enum(item: &DeriveInput, data: &syn::DataEnum) -> Result<TokenStream> {
    let name = &item.ident;
    if data.variants.is_empty() {
        return Err(Error::new(
            name.span(),
            "a config enum has at least one variant: its variants are the allowed words",
        ));
    }
    let mut words = Vec::new();
    let mut arms = Vec::new();
    let mut default = quote!(::core::option::Option::None);
    let mut seen: Vec<String> = Vec::new();
    for (index, variant) in data.variants.iter().enumerate() {
        if !variant.fields.is_empty() {
            return Err(Error::new(
                variant.fields.span(),
                "a variant of a config enum has no fields: it is one of the allowed words",
            ));
        }
        let identifier = &variant.ident;
        let word = match Options::of_variant(&variant.attrs)? {
            Some(literal) => literal.value(),
            None => lower_camel_case(&identifier.to_string()),
        };
        if seen.contains(&word) {
            return Err(Error::new(identifier.span(), format!("another variant is the word `{word}` already")));
        }
        let doc = documentation(&variant.attrs);
        // `#[default]` belongs to `#[derive(Default)]`; it tells what the schema may promise.
        if variant.attrs.iter().any(|attribute| attribute.path().is_ident("default")) {
            let json = json_string(&word);
            default = quote!(::core::option::Option::Some(#json));
        }
        words.push(quote!(::windlass_pdk::config::schema::Word { word: #word, doc: #doc }));
        arms.push(quote!(#index => Self::#identifier,));
        seen.push(word);
    }
    // The last variant takes the place of the impossible rest.
    let last = data.variants.last().map(|variant| &variant.ident);
    arms.pop();
    Ok(quote! {
        #[automatically_derived]
        impl ::windlass_pdk::Config for #name {
            const SCHEMA: ::windlass_pdk::config::Schema = ::windlass_pdk::config::Schema::Words(&[#(#words),*]);
            const DEFAULT: ::core::option::Option<&'static str> = #default;

            fn read(value: ::windlass_pdk::Value) -> ::core::result::Result<Self, ::windlass_pdk::ConfigError> {
                let index = ::windlass_pdk::config::read_word(value, &[#(#seen),*])?;
                ::core::result::Result::Ok(match index {
                    #(#arms)*
                    _ => Self::#last,
                })
            }
        }
    })
}

fn is_option(ty: &syn::Type) -> bool {
    match ty {
        syn::Type::Path(path) => path.path.segments.last().is_some_and(|segment| segment.ident == "Option"),
        _ => false,
    }
}

/// The JSON text of a literal, for the schema; `None` for an expression whose value only the compiler knows.
fn json_of_literal(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Lit(ExprLit { lit, .. }) => match lit {
            Lit::Str(text) => Some(json_string(&text.value())),
            Lit::Bool(flag) => Some(flag.value.to_string()),
            Lit::Int(number) => Some(number.base10_digits().to_owned()),
            Lit::Float(number) => Some(number.base10_digits().to_owned()),
            _ => None,
        },
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => match expr.as_ref() {
            Expr::Lit(ExprLit { lit: Lit::Int(_) | Lit::Float(_), .. }) => Some(format!("-{}", json_of_literal(expr)?)),
            _ => None,
        },
        _ => None,
    }
}

fn json_string(text: &str) -> String {
    let mut json = Vec::new();
    windlass_abi::message::write_string(&mut json, text.as_bytes());
    String::from_utf8_lossy(&json).into_owned()
}
